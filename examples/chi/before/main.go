// Books is a small application with chi, as it was before it used Zeug. Its new version is in the folder above.
package main

import (
	"fmt"
	"html"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

//lint:file-ignore SA1019 chi has deprecated RealIP, and many applications still use it

var books = map[string]string{"1": "Middlemarch", "2": "Bleak House"}

func main() {
	log.Fatal(http.ListenAndServe("127.0.0.1:5000", newApp()))
}

func newApp() http.Handler {
	r := chi.NewRouter()
	r.Use(middleware.RealIP, middleware.Logger, middleware.Recoverer)
	r.Handle("/static/*", http.StripPrefix("/static/", http.FileServer(http.Dir("static"))))
	r.Get("/", index)
	r.Route("/books", func(r chi.Router) {
		r.Get("/{id}", show)
	})
	return r
}

func index(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, `<!doctype html><link rel="stylesheet" href="/static/style.css"><ul>`)
	for _, id := range []string{"1", "2"} {
		fmt.Fprintf(w, `<li><a href="/books/%s">%s</a>`, id, html.EscapeString(books[id]))
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
