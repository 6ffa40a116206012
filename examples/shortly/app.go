package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strconv"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

//go:embed templates static
var embedded embed.FS

// view answers a request that a rule matched.
type view func(*wrappers.Request, routing.Params) (*wrappers.Response, error)

// Store keeps the links: [Links] in Redis alone, [CachedLinks] with a cache in
// front of it.
type Store interface {
	// Add returns the id of url, a new one if it has none.
	Add(ctx context.Context, url string) (id string, err error)
	// Follow returns the URL that id leads to and counts the click.
	Follow(ctx context.Context, id string) (target string, err error)
	// Target returns the URL that id leads to, and counts nothing.
	Target(ctx context.Context, id string) (string, error)
	// Get returns the link of id.
	Get(ctx context.Context, id string) (Link, error)
}

// App is the URL shortener.
type App struct {
	links  Store
	urls   *routing.Map[view]
	static *staticfiles.Shared
	pages  *templates.Environment
	// handler is the chain for each request: header fields, static files, the pages.
	handler http.Handler
}

// policy lets the pages load only resources of this site, and keeps other sites from framing them
// or sending their forms.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// NewApp returns the application over these links. Its templates and static files are those that
// were compiled in. For development they are read from the directory dir, again for each request.
func NewApp(links Store, dir string) (*App, error) {
	a := &App{links: links}
	var files fs.FS = embedded
	if dir != "" {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, fmt.Errorf("the directory of templates and static files: %w", err)
		}
		files = root.FS()
	}
	var err error
	a.urls, err = routing.NewMap(
		routing.Rule[view]{Path: "/", Endpoint: "new_url", Target: a.newURL, Methods: []string{"GET", "POST"}},
		routing.Rule[view]{Path: "/<short_id>", Endpoint: "follow_short_link", Target: a.followShortLink, Methods: []string{"GET"}},
		routing.Rule[view]{Path: "/<short_id>+", Endpoint: "short_link_details", Target: a.shortLinkDetails, Methods: []string{"GET"}},
	)
	if err != nil {
		return nil, err
	}
	a.static, err = staticfiles.SharedData{
		Exports:     []staticfiles.Export{{Prefix: "/static", FS: files, Dir: "static"}},
		Development: dir != "",
	}.Open()
	if err != nil {
		return nil, err
	}
	pages, err := fs.Sub(files, "templates")
	if err != nil {
		return nil, err
	}
	a.pages, err = templates.New(pages, templates.Options{
		Reload:    dir != "",
		Globals:   templates.Context{"hostname": hostname, "pieces": pieces},
		URLs:      func(req *wrappers.Request) routing.Builder { return a.urls.Bind(req.Request) },
		StaticURL: a.static.StaticURL,
	})
	if err != nil {
		return nil, err
	}
	a.handler = middleware.Chain(
		middleware.SecureHeaders{ContentSecurityPolicy: policy, FrameOptions: "DENY"}.Wrap,
		a.static.Wrap,
	)(wrappers.View(a.dispatch))
	return a, nil
}

// ServeHTTP serves the static files and the pages.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// dispatch finds the view for a request, and gives errors pages of their own.
func (a *App) dispatch(req *wrappers.Request) (*wrappers.Response, error) {
	resp, err := a.answer(req)
	if err != nil {
		return a.failure(req, err)
	}
	return resp, nil
}

func (a *App) answer(req *wrappers.Request) (*wrappers.Response, error) {
	match, err := a.urls.Bind(req.Request).Match()
	if err != nil {
		return nil, err // 404, 405 or a redirect
	}
	return match.Target(req, match.Params)
}

// failure returns the page for an error. It returns the error itself if that is a redirect, which
// answers for itself, or a fault of the program, which goes to the log and the debugger.
func (a *App) failure(req *wrappers.Request, err error) (*wrappers.Response, error) {
	e, ok := httperror.From(err)
	switch {
	case !ok || e.Code == httperror.InternalServerError:
		return nil, err
	case e.Code == httperror.ServiceUnavailable:
		return a.redisAway(req, err)
	}
	httperror.Log(req.Request, err)
	page := "error.html"
	if e.Code == httperror.NotFound {
		page = "404.html"
	}
	resp, err := a.page(req, e.StatusCode(), page, templates.Context{"error": e})
	if err != nil {
		return nil, err
	}
	maps.Copy(resp.Header(), e.Header) // Allow, for one
	return resp, nil
}

// redisAway says that links cannot be read now, and keeps the entered URL.
func (a *App) redisAway(req *wrappers.Request, err error) (*wrappers.Response, error) {
	if req.Context().Err() == nil { // a client still waits for the response
		slog.WarnContext(req.Context(), "Redis is away", "path", req.URL.Path, "err", err)
	}
	context := templates.Context{}
	if req.Method == http.MethodPost {
		if form, err := req.Form(); err == nil {
			context["url"] = form.Get("url")
		}
	}
	resp, err := a.page(req, http.StatusServiceUnavailable, "503.html", context)
	if err != nil {
		return nil, err
	}
	resp.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	return resp, nil
}

func (a *App) page(req *wrappers.Request, status int, name string, context templates.Context) (*wrappers.Response, error) {
	resp, err := a.pages.Render(req, name, context)
	if err != nil {
		return nil, err
	}
	resp.Status = status
	resp.Header().Set("Cache-Control", "no-cache")
	return resp, nil
}

// newURL shows the form, and handles its input.
func (a *App) newURL(req *wrappers.Request, _ routing.Params) (*wrappers.Response, error) {
	if req.Method != http.MethodPost {
		return a.page(req, http.StatusOK, "new_url.html", nil)
	}
	if err := req.CheckCrossOrigin(); err != nil {
		return nil, err // another site sends the form for its visitor
	}
	form, err := req.Form()
	if err != nil {
		return nil, err
	}
	target, err := checkURL(form.Get("url"))
	if err == nil && leadsBelow(req.RootURL(), target) {
		err = refusedOurs
	}
	if err != nil {
		return a.page(req, http.StatusUnprocessableEntity, "new_url.html", templates.Context{"url": form.Get("url"), "error": err.Error()})
	}
	id, err := a.links.Add(req.Context(), target)
	if err != nil {
		return nil, err
	}
	details, err := a.urls.Bind(req.Request).Build("short_link_details", routing.With("short_id", id))
	if err != nil {
		return nil, err
	}
	return wrappers.Redirect(details), nil
}

// followShortLink redirects to the target of a link, and counts.
func (a *App) followShortLink(req *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
	lookUp := a.links.Follow
	if req.Method == http.MethodHead {
		lookUp = a.links.Target // a visitor of the details has not followed the link
	}
	target, err := lookUp(req.Context(), params.String("short_id"))
	if err != nil {
		return nil, err
	}
	resp := wrappers.Redirect(target)
	resp.Status = http.StatusFound
	// Every click is to be counted.
	resp.Header().Set("Cache-Control", "no-store")
	return resp, nil
}

// shortLinkDetails shows where a link points, and how often it was followed.
func (a *App) shortLinkDetails(req *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
	link, err := a.links.Get(req.Context(), params.String("short_id"))
	if err != nil {
		return nil, err
	}
	return a.page(req, http.StatusOK, "short_link_details.html", templates.Context{"link": link})
}
