package routing_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

// answer is what two routers must agree on.
type answer struct {
	Status   int
	Handler  string
	Vars     map[string]string
	Route    string
	Location string
	Around   string
}

// panicked is the status of a router that did: mux calls the middlewares of a
// route that has no handler.
const panicked = -1

// recorder makes a handler that says who it is and what it sees.
func recorder(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Handler", name)
		for name, value := range mux.Vars(r) {
			w.Header().Set("Var-"+name, value)
		}
		if route := mux.CurrentRoute(r); route != nil {
			w.Header().Set("Route", route.GetName())
		}
		if strings.HasPrefix(name, "not") {
			w.WriteHeader(418)
		}
	})
}

func around(name string) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Around", w.Header().Get("Around")+name)
			next.ServeHTTP(w, r)
		})
	}
}

func ask(h http.Handler, r *http.Request) (a answer) {
	w := httptest.NewRecorder()
	defer func() {
		if recover() != nil {
			a = answer{Status: panicked}
		}
	}()
	h.ServeHTTP(w, r.Clone(r.Context()))
	a = answer{
		Status: w.Code, Handler: w.Header().Get("Handler"), Location: w.Header().Get("Location"),
		Route: w.Header().Get("Route"), Around: w.Header().Get("Around"), Vars: map[string]string{},
	}
	for name := range maps.Keys(w.Header()) {
		if variable, ok := strings.CutPrefix(name, "Var-"); ok {
			a.Vars[variable] = w.Header().Get(name)
		}
	}
	return a
}

// random draws mux routers and requests to them.
type random struct {
	*rand.Rand
	names int
}

func (d *random) of(list ...string) string { return list[d.IntN(len(list))] }
func (d *random) one(n int) bool           { return d.IntN(n) == 0 }

func (d *random) template() string {
	var b strings.Builder
	used := 0
	for range 1 + d.IntN(3) {
		piece := d.of("a", "b", "items", "{v%d}", "{v%d:[0-9]+}", "{v%d:a|b}", "x{v%d}", "{v%d:.*}", "{v%d:[a-z/]+}", "{v%d}.json", "{v%d:[0-9]*}",
			"{v%d:[0-9]{2}}", "{v%d:^a}", "{v%d:a$}", "{v%d:(?:a|items)+}", "{v%d:\\d+\\.?\\d*}", "{v%d:[^/]+}-{v%d:[a-z]+}", "{v%d:(?i)A}",
			"{v%d:a/b|b}", "a.b", "a+", "(a)", "", "{v%d:\\w*}x", "{v%d:.+}.json", "ü", "a b")
		for strings.Contains(piece, "%d") {
			piece = strings.Replace(piece, "%d", fmt.Sprint(used), 1)
			used++
		}
		b.WriteString("/" + piece)
	}
	if d.one(3) {
		b.WriteString("/")
	}
	return b.String()
}

func (d *random) fill(router *mux.Router, depth int) {
	for range 1 + d.IntN(5) {
		route := router.NewRoute()
		methodsFirst := d.one(2)
		methods := func() {
			if d.one(2) {
				route.Methods(d.of("GET", "POST", "get"), d.of("GET", "PUT"))
			}
		}
		if methodsFirst {
			methods()
		}
		if d.one(6) {
			route.Host(d.of("example.com", "{sub}.example.com", "{sub:[a-z]+}.example.com:8080", "{sub:(?:w|www)}.{rest:.*}", "EXAMPLE.com"))
		}
		if d.one(6) {
			route.Headers("X-Kind", d.of("", "one"))
		}
		if d.one(9) {
			route.HeadersRegexp("X-Kind", d.of("^o", "w"))
		}
		if d.one(6) {
			route.Queries("q", d.of("{q}", "1", "{q:[0-9]+}", "", "{q:[0-9]{1,2}}"))
		}
		if d.one(12) {
			route.Queries("q", "{other}", "x", d.of("{x}", "2"))
		}
		if d.one(8) {
			route.Schemes(d.of("http", "https"))
		}
		if d.one(8) {
			route.MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return r.Header.Get("X-Kind") == "" })
		}
		group := depth > 0 && d.one(3)
		switch {
		case d.one(9):
		case group || d.one(5):
			route.PathPrefix(d.of("/a", "/b/", "/items", "/", "/{p}", "/x{p}/", "", "/{p:[a-z]{1,2}}", "/{p:.*}/b", "/a/b"))
		default:
			route.Path(d.template())
		}
		if !methodsFirst && !group {
			methods()
		}
		if group {
			sub := route.Subrouter()
			if d.one(3) {
				sub.StrictSlash(d.one(2))
			}
			if d.one(8) {
				sub.SkipClean(d.one(2))
			}
			if d.one(8) {
				sub.UseEncodedPath()
			}
			if d.one(4) {
				sub.Use(around("s"))
			}
			if d.one(8) {
				sub.NotFoundHandler = recorder("not found, below")
			}
			if d.one(8) {
				sub.MethodNotAllowedHandler = recorder("not allowed, below")
			}
			d.fill(sub, depth-1)
			continue
		}
		name := fmt.Sprintf("h%d", d.names)
		d.names++
		if !d.one(12) {
			route.Handler(recorder(name))
		}
		if d.one(2) {
			route.Name(name)
		}
		if d.one(15) {
			route.BuildOnly()
		}
		if d.one(15) {
			route.BuildVarsFunc(func(vars map[string]string) map[string]string {
				for name, value := range vars {
					if value == "twice" {
						vars[name] = "a" + value
					}
				}
				return vars
			})
		}
	}
}

func (d *random) router() *mux.Router {
	router := mux.NewRouter()
	if d.one(3) {
		router.StrictSlash(true)
	}
	if d.one(5) {
		router.SkipClean(true)
	}
	if d.one(5) {
		router.UseEncodedPath()
	}
	if d.one(3) {
		router.Use(around("r"), around("R"))
	}
	if d.one(4) {
		router.NotFoundHandler = recorder("not found")
	}
	if d.one(4) {
		router.MethodNotAllowedHandler = recorder("not allowed")
	}
	d.fill(router, 2)
	return router
}

func (d *random) request() *http.Request {
	var b strings.Builder
	for range 1 + d.IntN(4) {
		b.WriteString("/" + d.of("a", "b", "items", "1", "42", "xa", "x", "c.json", "", "..", ".", "aa", "a-b", "1.5", "A", "a.b", "(a)", "a+", "bx", "a%2Fb", "%41", "ü", "a%20b"))
	}
	if d.one(3) {
		b.WriteString("/")
	}
	target := b.String()
	if d.one(3) {
		target += d.of("?q=1", "?q=a", "?q=", "?x=2&q=3", "?q=123", "?q=1&q=2", "?x=2;q=1", "?q=%31", "?q")
	}
	r := httptest.NewRequest(d.of("GET", "GET", "POST", "PUT", "DELETE", "HEAD", "get"), "http://"+d.of("example.com", "w.example.com", "w.example.com:8080", "other.org", "www.example.com", "EXAMPLE.com")+"/", nil)
	u, err := r.URL.Parse(target)
	if err == nil {
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Path, u.RawPath, u.RawQuery
	}
	if d.one(2) {
		r.URL.Scheme, r.URL.Host = "", ""
	}
	if d.one(4) {
		r.Header.Set("X-Kind", d.of("one", "two"))
	}
	return r
}

func FuzzFromMux(f *testing.F) {
	for seed := range uint64(400) {
		f.Add(seed)
	}
	f.Add(uint64(517)) // a wrong method leaves a subrouter's answer to the next route
	f.Add(uint64(595)) // a subrouter answers what none of its routes could match
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := &random{Rand: rand.New(rand.NewPCG(seed, 1))}
		router := d.router()
		urls, err := routing.FromMux(router)
		if err != nil { // two routers around a route have its variable's name
			require.ErrorContains(t, err, "duplicated route variable")
			return
		}
		handler := urls.Handler()
		for range 60 {
			r := d.request()
			want := ask(router, r)
			have := ask(handler, r)
			if want.Status == panicked {
				require.Equal(t, 404, have.Status)
				continue
			}
			require.Equal(t, want, have, "%s %s host %s header %v\n%s", r.Method, r.URL, r.Host, r.Header, urls)
		}
		adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
		err = router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
			if route.GetName() == "" {
				return nil
			}
			names, _ := route.GetVarNames()
			for range 5 {
				var pairs []string
				var values []routing.Value
				for _, name := range names {
					if value := d.of("a", "1", "42", "a b", "items", "ü", "a/b", "twice", ""); !d.one(20) {
						pairs, values = append(pairs, name, value), append(values, routing.With(name, value))
					}
				}
				want, refused := route.URL(pairs...)
				have, err := adapter.Build(route.GetName(), values...)
				if refused != nil {
					require.Error(t, err)
					require.ErrorContains(t, err, strconv.Quote(route.GetName()))
				} else {
					require.NoError(t, err)
					require.Equal(t, want.String(), have)
				}
			}
			return nil
		})
		require.NoError(t, err)
	})
}
