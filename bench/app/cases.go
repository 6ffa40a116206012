package main

import (
	"net/http"
	"net/http/httptest"

	"github.com/go-chi/chi/v5"

	"github.com/zeugkit/zeug"
	"github.com/zeugkit/zeug/bench/measure"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

// view is the kind of view that the dispatch by hand calls.
type view func(*wrappers.Request, routing.Params) (*wrappers.Response, error)

// byHand is what the application package does, written with the packages beneath it.
func byHand() http.Handler {
	urls := routing.MustMap(
		routing.Rule[view]{Path: "/", Endpoint: "index", Methods: []string{"GET"}, Target: func(*wrappers.Request, routing.Params) (*wrappers.Response, error) {
			return wrappers.Text("index"), nil
		}},
		routing.Rule[view]{Path: "/hello/<name>", Endpoint: "hello", Methods: []string{"GET"}, Target: func(_ *wrappers.Request, params routing.Params) (*wrappers.Response, error) {
			return wrappers.Text("Hello, " + params.String("name")), nil
		}},
	)
	return wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		match, err := urls.Bind(req.Request).Match()
		if err != nil {
			return nil, err
		}
		return match.Target(req, match.Params)
	})
}

func app() http.Handler {
	return zeug.New(
		zeug.Get("/", func(*zeug.Request) (*zeug.Response, error) { return zeug.Text("index"), nil }),
		zeug.Get("/hello/<name>", func(req *zeug.Request) (*zeug.Response, error) {
			return zeug.Text("Hello, " + req.Params.String("name")), nil
		}),
	)
}

func chiRouter() http.Handler {
	r := chi.NewRouter()
	text := func(w http.ResponseWriter, s string) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(s))
	}
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) { text(w, "index") })
	r.Get("/hello/{name}", func(w http.ResponseWriter, r *http.Request) { text(w, "Hello, "+chi.URLParam(r, "name")) })
	return r
}

// nowhere is a ResponseWriter that keeps nothing.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}

func subjects() (list []measure.Subject) {
	for _, c := range []struct{ name, path string }{{"no variable", "/"}, {"one variable", "/hello/Ada"}} {
		for _, peer := range []struct {
			name    string
			handler http.Handler
		}{{"App", app()}, {"by hand", byHand()}, {"chi", chiRouter()}} {
			template := httptest.NewRequest("GET", c.path, nil)
			template.Body = http.NoBody
			list = append(list, measure.Subject{Case: c.name, Peer: peer.name, Run: func(n int) {
				w := &nowhere{http.Header{}}
				for range n {
					r := *template
					clear(w.header)
					peer.handler.ServeHTTP(w, &r)
				}
			}})
		}
	}
	return list
}
