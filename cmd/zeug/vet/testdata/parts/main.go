// Parts is a program of the toolkit's parts, without an App and without mistakes.
package main

import (
	"embed"
	"io/fs"
	"net/http"
	"os"

	"github.com/zeugkit/zeug/cmd/zeug/vet/testdata/parts/views"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

//go:embed pages assets
var embedded embed.FS

type view func(*wrappers.Request, routing.Params) (*wrappers.Response, error)

type app struct {
	urls   *routing.Map[view]
	static *staticfiles.Shared
	pages  *templates.Environment
}

// api has rules of its own, which build no pages.
var api *routing.Map[http.Handler]

func init() {
	api = routing.MustMap(
		crud("note", notes),
		routing.Rule[http.Handler]{Path: "/raw/<path:name>", Endpoint: "raw", Target: http.HandlerFunc(raw)},
		routing.Rule[http.Handler]{Path: "/plain/<int:number>", Target: routing.PathValues(http.HandlerFunc(plain))},
	)
}

// crud returns the rules of a resource.
func crud(name string, h http.Handler) routing.Group[http.Handler] {
	return routing.Submount("/"+name+"s", routing.EndpointPrefix(name+".",
		routing.Rules[http.Handler]{
			routing.Rule[http.Handler]{Path: "/", Endpoint: "list", Target: h, Methods: []string{"GET"}},
			routing.Rule[http.Handler]{Path: "/<int:id>", Endpoint: "show", Target: h},
		}))
}

var notes = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	location, err := api.Bind(r).Build("note.show", routing.With("id", 3))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Location", location)
	w.WriteHeader(http.StatusFound)
})

// plain was written for patterns of net/http.
func plain(w http.ResponseWriter, r *http.Request) {
	w.Write([]byte(r.PathValue("number")))
}

func raw(w http.ResponseWriter, r *http.Request) {
	w.Write([]byte(routing.ParamsOf(r).String("name")))
}

// legacy knows nothing of root paths.
func legacy(w http.ResponseWriter, r *http.Request) {
	target, err := "/raw/x", error(nil)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func main() {
	a, err := newApp(os.Getenv("DEV"))
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/", api.Handler())
	mux.Handle("/legacy/", middleware.RewriteLocation(http.HandlerFunc(legacy)))
	mux.Handle("/", a.static.Wrap(wrappers.View(a.dispatch)))
	serving.Main("127.0.0.1:5000", mux)
}

func newApp(dir string) (*app, error) {
	a := &app{}
	var files fs.FS = embedded
	if dir != "" {
		files = os.DirFS(dir)
	}
	var err error
	a.urls, err = routing.NewMapWith(routing.Options{Converters: map[string]routing.ConverterFunc{"slug": slug}},
		routing.Rule[view]{Path: "/", Endpoint: "home", Target: a.home},
		routing.Rule[view]{Path: "/by/<slug:author>", Endpoint: "author", Target: views.Author},
	)
	if err != nil {
		return nil, err
	}
	if a.static, err = (staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/assets", FS: files, Dir: "assets"}}}).Open(); err != nil {
		return nil, err
	}
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, err
	}
	a.pages, err = templates.New(pages, templates.Options{
		URLs:      func(req *wrappers.Request) routing.Builder { return a.urls.Bind(req.Request) },
		StaticURL: a.static.StaticURL,
	})
	return a, err
}

func slug([]routing.Argument) (routing.Converter, error) {
	return routing.Converter{Pattern: "[a-z-]+"}, nil
}

func (a *app) dispatch(req *wrappers.Request) (*wrappers.Response, error) {
	match, err := a.urls.Bind(req.Request).Match()
	if err != nil {
		return nil, err
	}
	return match.Target(req, match.Params)
}

func (a *app) home(req *wrappers.Request, _ routing.Params) (*wrappers.Response, error) {
	author, err := a.urls.Bind(req.Request).BuildWith(routing.BuildOptions{External: true}, "author", routing.With("author", "ada"))
	if err != nil {
		return nil, err
	}
	return a.pages.Render(req, "home.html", templates.Context{"author": author, "logo": a.static.URLFor(req.Request, "logo.svg")})
}
