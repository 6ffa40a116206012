// Package zeug puts the parts of the toolkit together, so that an application with ten routes
// has ten lines of routing and no plumbing:
//
//	func main() {
//		serving.Main("127.0.0.1:5000", zeug.New(
//			zeug.Get("/", index),
//			zeug.Get("/hello/<name>", hello),
//		))
//	}
//
//	func index(req *zeug.Request) (*zeug.Response, error) {
//		return zeug.Redirect(req.URL("hello", "name", "World")), nil
//	}
//
//	func hello(req *zeug.Request) (*zeug.Response, error) {
//		return zeug.Text("Hello, " + req.Params.String("name") + "!\n"), nil
//	}
//
// [New] takes a list of parts. A part is a route ([Get], [Post], [Route]), another handler
// ([Handle], [Mount]), files ([Static]), a [Group] of parts, or a setting that applies to the whole
// list: [Use], [Before], [OnError], [Sessions], [Templates]. Parts may stand in any order, because
// rules match by the precedence of package routing.
//
// Everything here can also be done without this package, with routing.Map, wrappers.View and the
// middlewares that the documentation of each part names. An [App] is an [http.Handler] like any
// other.
package zeug

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"runtime"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

// App is an application: an [http.Handler] that finds the route for a request, calls its view
// and sends the response. Any server serves it, any middleware wraps it, package webtest tests it,
// and "zeug routes" lists it. It never changes after [New], and many goroutines may call it at once.
type App struct {
	handler http.Handler // everything around dispatch
	urls    *routing.Map[target]
	static  *staticfiles.Shared // nil without Static
	pages   Renderer            // nil without Templates
	session bool                // Sessions is one of the parts
}

// Part is an entry of the list that [New] and [Group] take. The functions of this package make
// parts.
type Part interface {
	addTo(list *list)
}

// New returns the application of the parts. It panics if parts contradict each other or rules
// are refused. The panic's value is an error that joins all mistakes, each with the file and
// line of the part. [TryNew] returns that error.
func New(parts ...Part) *App {
	app, err := TryNew(parts...)
	if err != nil {
		panic(err)
	}
	return app
}

// TryNew is like [New], but returns the error. Use it if parts come from outside the program, such
// as a directory that may be missing.
func TryNew(parts ...Part) (*App, error) {
	app := &App{}
	list := newList(app, parts)
	if len(list.mistakes) > 0 {
		return nil, errors.Join(list.mistakes...)
	}
	var err error
	if app.urls, err = routing.NewMapWith(list.options(), list.rules); err != nil {
		return nil, err
	}
	protection, err := list.protection()
	if err != nil {
		return nil, err
	}
	app.pages, app.session = list.pages, list.sessions != nil
	h := protection(http.HandlerFunc(app.dispatch))
	if len(list.exports) > 0 {
		data := staticfiles.SharedData{Development: development.On()}
		for _, e := range list.exports {
			data.Exports = append(data.Exports, e.Export)
		}
		if app.static, err = data.Open(); err != nil {
			return nil, err
		}
		routelist.Append(app.urls, listed(list.exports))
		h = app.static.Wrap(h)
	}
	h = middleware.Chain(list.use...)(h)
	if list.sessions != nil {
		if err := list.sessions.Check(); err != nil {
			return nil, err
		}
		h = list.sessions.Wrap(h)
	}
	if list.responder != nil {
		h = list.responder.Wrap(h)
	}
	app.handler = h
	return app, nil
}

// ServeHTTP answers the request with the route that matches it.
func (app *App) ServeHTTP(w http.ResponseWriter, r *http.Request) { app.handler.ServeHTTP(w, r) }

// MountedAt returns the App as a handler for a router that passes on paths with their prefix, such
// as [http.ServeMux] (without http.StripPrefix) or chi:
//
//	mux.Handle("/shop/", app.MountedAt("/shop"))
//
// The App's rules match what follows the prefix, and the URLs that it builds begin with
// the prefix. A path that does not begin with the prefix is answered with 404.
// [middleware.Dispatcher] and [Mount] do this themselves.
func (app *App) MountedAt(prefix string) http.Handler { return mounted{prefix, app} }

// URLs returns a builder of URLs of the App's endpoints, as seen from the request r. In views,
// [Request.URL] is shorter.
func (app *App) URLs(r *http.Request) routing.Builder { return app.urls.Bind(r) }

// URLsFrom is like [App.URLs], but for use without a request, for example for the links in a mail.
// It returns an error if the host of the base is not valid.
func (app *App) URLsFrom(place routing.Base) (routing.Builder, error) {
	return app.urls.BindBase(place)
}

// String lists the rules of the App, one on each line.
func (app *App) String() string { return app.urls.String() }

// target is the target of a rule: a view, or a handler if the view is nil.
type target struct {
	view    View
	handler http.Handler
}

// dispatch calls the target of the rule that matches r.
func (app *App) dispatch(w http.ResponseWriter, r *http.Request) {
	match, err := app.urls.Bind(r).Match()
	if err != nil {
		httperror.Respond(w, r, err)
		return
	}
	if view := match.Target.view; view != nil {
		app.serve(w, r, view, match.Params)
		return
	}
	requestcopy.Serve(match.Target.handler, w, match.Request(r), r)
}

// Renderer renders the pages of an App. *templates.Environment is one.
type Renderer interface {
	// RenderWith renders the template with the name. urls and static build the
	// URLs of endpoints and static files.
	RenderWith(req *wrappers.Request, urls routing.Builder, static func(name string) (string, error), name string, context map[string]any) (*wrappers.Response, error)
}

// Templates gives the App its templates, which [Request.Render] renders:
//
//	//go:embed templates
//	var files embed.FS
//
//	zeug.Templates(templates.MustNew(files, templates.Options{Dir: "templates"}))
//
// In a template url_for("endpoint", "name", value) and static_url("style.css") build URLs of
// the App. With [Sessions], session is the visitor's session, and get_flashed_messages() returns
// the messages of [Request.Flash] as in Flask: each has a Text and a Category.
func Templates(pages Renderer) Part {
	return setting{written(), func(l *list, where string) {
		l.once(where, "Templates", l.pages != nil)
		l.pages = pages
	}}
}

// Sessions gives each request a session, with the settings of m:
//
//	zeug.Sessions(sessions.Manager{Store: &sessions.Memory{}})
func Sessions(m sessions.Manager) Part {
	return setting{written(), func(l *list, where string) {
		l.once(where, "Sessions", l.sessions != nil)
		l.sessions = &m
	}}
}

// Static serves the files of a directory in fsys below the prefix:
//
//	zeug.Static("/static", files, "static")
//
// Use "." as dir for all of fsys. Files have validators, ranges, and fingerprinted names that
// clients keep for a year: [Request.StaticURL] and static_url in templates return these names.
// Under "zeug run" files are read again for each request, and names have no fingerprint. A name
// that does not exist below the prefix is answered with 404. [StaticExport] has more settings.
func Static(prefix string, fsys fs.FS, dir string) Part {
	return setting{written(), func(l *list, where string) {
		l.exports = append(l.exports, export{staticfiles.Export{Prefix: prefix, FS: fsys, Dir: dir, NotFound: true}, where})
	}}
}

// StaticExport is like [Static], but with all settings of an export.
func StaticExport(e staticfiles.Export) Part {
	return setting{written(), func(l *list, where string) { l.exports = append(l.exports, export{e, where}) }}
}

// MapOptions sets the options of the App's routing map: converters, host matching, slashes.
func MapOptions(o routing.Options) Part {
	return setting{written(), func(l *list, where string) {
		l.once(where, "MapOptions", l.mapOptions != nil)
		l.mapOptions = &o
	}}
}

// TrustOrigins lets pages of other origins send requests with unsafe methods, such as POST.
// An origin is "https://app.example.org", with the port unless it is the default port of the
// scheme.
//
// By default an App refuses such requests with 403 if a browser says that a page of another site
// makes them; see [http.CrossOriginProtection]. So forms need no token. Clients that are not
// browsers are not affected.
func TrustOrigins(origins ...string) Part {
	return setting{written(), func(l *list, where string) { l.trusted = append(l.trusted, origins...) }}
}

// AllowCrossOrigin switches off the protection that [TrustOrigins] describes. Use it for APIs whose
// clients authenticate with something that a browser does not send automatically, such as a token
// in the Authorization header.
func AllowCrossOrigin() Part {
	return setting{written(), func(l *list, where string) { l.unprotected = true }}
}

// setting is a part that applies to a whole App.
type setting struct {
	where string
	set   func(l *list, where string)
}

func (s setting) addTo(l *list) {
	if l.outer != nil {
		l.mistake(s.where, "this part belongs into the list of New, not into a Group")
		return
	}
	s.set(l, s.where)
}

// written returns the file and line from which the calling function was called.
func written() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}
