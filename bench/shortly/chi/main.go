// Command chi is shortly's redirect and its form on chi and go-redis, without a toolkit: no cache,
// and each click is counted at once.
package main

import (
	"errors"
	"fmt"
	"html/template"
	"log"
	"net/http"
	"net/url"
	"os"
	"strconv"

	"github.com/go-chi/chi/v5"
	"github.com/redis/go-redis/v9"
)

var form = template.Must(template.New("form").Parse(`<!doctype html>
<html lang="en"><head><title>Create a short link</title></head>
<body><h1>shortly</h1>
{{with .Error}}<p id="error">{{.}}</p>{{end}}
<form action="/" method="post"><label>URL <input name="url" value="{{.URL}}"></label> <button>Shorten</button></form>
</body></html>
`))

type application struct{ redis *redis.Client }

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: chi ADDRESS REDIS-ADDRESS")
	}
	a := application{redis.NewClient(&redis.Options{Addr: os.Args[2]})}
	r := chi.NewRouter()
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { a.page(w, "", "") })
	r.Post("/", a.create)
	r.Get("/{id}", a.follow)
	log.Fatal(http.ListenAndServe(os.Args[1], r))
}

func (a application) page(w http.ResponseWriter, typed, problem string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := form.Execute(w, map[string]string{"URL": typed, "Error": problem}); err != nil {
		log.Print(err)
	}
}

func (a application) create(w http.ResponseWriter, r *http.Request) {
	target := r.PostFormValue("url")
	if u, err := url.Parse(target); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		a.page(w, target, "Please enter a valid URL")
		return
	}
	id, err := a.add(r, target)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	http.Redirect(w, r, "/"+id+"+", http.StatusSeeOther)
}

func (a application) add(r *http.Request, target string) (string, error) {
	ctx := r.Context()
	id, err := a.redis.Get(ctx, "reverse-url:"+target).Result()
	if err == nil || !errors.Is(err, redis.Nil) {
		return id, err
	}
	n, err := a.redis.Incr(ctx, "last-url-id").Result()
	if err != nil {
		return "", err
	}
	id = strconv.FormatInt(n, 36)
	if err := a.redis.Set(ctx, "url-target:"+id, target, 0).Err(); err != nil {
		return "", err
	}
	return id, a.redis.Set(ctx, "reverse-url:"+target, id, 0).Err()
}

func (a application) follow(w http.ResponseWriter, r *http.Request) {
	id := chi.URLParam(r, "id")
	target, err := a.redis.Get(r.Context(), "url-target:"+id).Result()
	if errors.Is(err, redis.Nil) {
		http.NotFound(w, r)
		return
	}
	if err == nil {
		err = a.redis.Incr(r.Context(), "click-count:"+id).Err()
	}
	if err != nil {
		http.Error(w, fmt.Sprint(err), http.StatusServiceUnavailable)
		return
	}
	http.Redirect(w, r, target, http.StatusFound)
}
