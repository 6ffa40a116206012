// Books is a small application with chi that uses parts of Zeug: the server with its debugger and its trust in a
// proxy, static files with fingerprints, and URLs that are built. Its former version is in the folder before.
//
//	cd examples/chi && zeug run .
package main

import (
	"fmt"
	"html"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/staticfiles"
)

var books = map[string]string{"1": "Middlemarch", "2": "Bleak House"}

// urls builds the URLs of the routes that chi matches.
var urls = routing.MustMap(
	routing.Rule[http.Handler]{Path: "/books/<id>", Endpoint: "book", BuildOnly: true},
)

type app struct{ static *staticfiles.Shared }

func main() {
	static, err := staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", Dir: "static"}}}.Open()
	if err != nil {
		log.Fatal(err)
	}
	serving.MainWith("127.0.0.1:5000", newApp(static), serving.Options{
		ProxyFix: middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Prefix: 1},
	})
}

func newApp(static *staticfiles.Shared) http.Handler {
	a := app{static}
	r := chi.NewRouter()
	r.Use(static.Wrap)
	r.Get("/", a.index)
	r.Route("/books", func(r chi.Router) {
		r.Get("/{id}", show)
	})
	return r
}

func (a app) index(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `<!doctype html><link rel="stylesheet" href="%s"><ul>`, html.EscapeString(a.static.URLFor(r, "style.css")))
	for _, id := range []string{"1", "2"} {
		url, err := urls.Bind(r).Build("book", routing.With("id", id))
		if err != nil {
			panic(err) // the debugger shows it
		}
		fmt.Fprintf(w, `<li><a href="%s">%s</a>`, html.EscapeString(url), html.EscapeString(books[id]))
	}
}

func show(w http.ResponseWriter, r *http.Request) {
	title, ok := books[chi.URLParam(r, "id")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, `<!doctype html><h1>%s</h1>`, html.EscapeString(title))
}
