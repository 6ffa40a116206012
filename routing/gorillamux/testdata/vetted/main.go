// Command vetted has routes of gorilla/mux, and rules whose handlers read their variables by mux.Vars.
package main

import (
	"fmt"
	"log"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/routing/gorillamux"
	"github.com/zeugkit/zeug/serving"
)

func main() {
	router := mux.NewRouter()
	router.PathPrefix("/{tenant}").Subrouter().HandleFunc("/users/{id:[0-9]+}", user)
	router.HandleFunc("/pages/{page}", newPage)
	old, err := gorillamux.FromRouter(router)
	if err != nil {
		log.Fatal(err)
	}
	urls := routing.MustMap(
		routing.Rule[http.Handler]{Path: "/books/<int:number>", Target: gorillamux.Vars(http.HandlerFunc(book))},
	)
	serving.Main("127.0.0.1:0", old.Fallback(urls.Handler()))
}

func user(w http.ResponseWriter, r *http.Request) {
	vars := mux.Vars(r)
	fmt.Fprint(w, vars["tenant"], vars["id"])
}

// page keeps the variables of its request.
type page struct{ vars map[string]string }

func newPage(w http.ResponseWriter, r *http.Request) {
	vars := mux.Vars(r)
	p := &page{vars: vars}
	p.write(w)
}

func (p *page) write(w http.ResponseWriter) { fmt.Fprint(w, p.vars["page"]) }

func book(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, mux.Vars(r)["number"])
}
