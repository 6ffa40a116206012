// Site is a program without mistakes. The tests change it, and look at what is found.
package main

import (
	"embed"
	"net/http"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/sessions"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
)

//go:embed templates static
var files embed.FS

type item struct {
	ID    int
	Name  string
	Price float64
	Owner *user
	Tags  []string
}

func (i item) Label() string { return i.Name }

type user struct{ Name string }

const itemsPath = "/items"

var shared = []zeug.Part{
	zeug.Templates(templates.MustNew(files, templates.Options{
		Dir:     "templates",
		Globals: templates.Context{"money": money},
		Filters: map[string]templates.Filter{"shout": shout},
	})),
	zeug.Static("/static", files, "static"),
	zeug.Sessions(sessions.Manager{Store: &sessions.Memory{}}),
}

func main() { serving.Main("127.0.0.1:5000", newApp()) }

func newApp() *zeug.App {
	a := &shop{}
	parts := append(shared,
		zeug.Get("/", index),
		zeug.Get(itemsPath+"/", a.list).Defaults(map[string]any{"page": 1}),
		zeug.Get(itemsPath+"/page/<int:page>", a.list),
		zeug.Get(itemsPath+"/<int(max=9999):id>", a.show),
		zeug.Get("/price/<float:price>", price),
		zeug.Get("/file/<uuid:id>", file),
		zeug.Get("/kind/<any(book, pen):kind>", kind).Endpoint("by_kind"),
		zeug.Rule(routing.Rule[zeug.View]{Path: "/old/<int:id>", RedirectTo: "/items/<id>"}),
		zeug.ErrorPage(httperror.NotFound, "error.html"),
	)
	parts = append(parts, admin(a)...)
	return zeug.New(parts...)
}

func admin(a *shop) []zeug.Part {
	return []zeug.Part{zeug.Group("/admin",
		zeug.EndpointPrefix("admin."),
		zeug.Before(requireUser),
		zeug.Get("/", a.dashboard),
		zeug.Post("/<int:id>/remove", a.remove),
	)}
}

type shop struct{ items []item }

func index(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Redirect(req.URL("list")), nil
}

func (a *shop) list(req *zeug.Request) (*zeug.Response, error) {
	return page(req, "list.html", map[string]any{"items": a.items, "next": req.URL("list", "page", req.Params.Int("page")+1)})
}

func (a *shop) show(req *zeug.Request) (*zeug.Response, error) {
	id := zeug.Param[int](req, "id")
	if id >= len(a.items) {
		return nil, httperror.NotFound
	}
	return page(req, "show.html", map[string]any{"item": a.items[id]})
}

func (a *shop) dashboard(req *zeug.Request) (*zeug.Response, error) {
	context := map[string]any{"title": "Dashboard"}
	context["links"] = []string{req.URL("by_kind", "kind", "book"), req.URL("price", "price", 2.5), req.StaticURL("img/logo.svg")}
	return req.Render("admin/dashboard.html", context)
}

func (a *shop) remove(req *zeug.Request) (*zeug.Response, error) {
	if id := idOf(req); id >= 0 {
		return zeug.Redirect(req.URL("admin.dashboard")), nil
	}
	return zeug.Redirect(req.URL("show", "id", 7)), nil
}

func idOf(req *zeug.Request) int { return req.Params.Int("id") }

func price(req *zeug.Request) (*zeug.Response, error) {
	if req.Params.Float("price") < 0 {
		return nil, httperror.NotFound
	}
	resp := zeug.Text("cheap")
	resp.Status = http.StatusOK
	return resp, nil
}

func file(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Redirect(req.URL("file", "id", req.Params.UUID("id"))), nil
}

func kind(req *zeug.Request) (*zeug.Response, error) {
	return zeug.Text(req.Params.String("kind")), nil
}

func requireUser(req *zeug.Request) (*zeug.Response, error) {
	if !req.Session().Has("user") {
		return zeug.Redirect(req.URL("index")), nil
	}
	return nil, nil
}

// api has a view whose name is that of another one.
type api struct{}

func (api) index(*zeug.Request) (*zeug.Response, error) { return zeug.NoContent(), nil }

// page renders what the other views want.
func page(req *zeug.Request, name string, context map[string]any) (*zeug.Response, error) {
	context["user"] = &user{Name: req.Session().String("user")}
	return req.Render(name, context)
}

func money(amount float64) string            { return "" }
func shout(value, argument any) (any, error) { return value, nil }

var _ = staticfiles.Export{}
