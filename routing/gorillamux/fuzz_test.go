package gorillamux_test

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
	"github.com/zeugkit/zeug/routing/gorillamux"
)

// answer is the result that mux and a Router must agree on.
type answer struct {
	Status   int
	Handler  string
	Vars     map[string]string
	Route    string
	Location string
	Around   string
}

// panicked is the status if a router panicked: mux calls the middlewares of a
// route that has no handler.
const panicked = -1

// recorder makes a handler that responds with its name and the request that it sees.
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

// answering is a middleware that answers some requests itself.
func answering(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == "PUT" || mux.Vars(r)["v0"] == "42" {
		w.Header().Set("Handler", "the middleware "+mux.Vars(r)["p"])
		w.WriteHeader(403)
		return true
	}
	return false
}

func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answering(w, r) {
			next.ServeHTTP(w, r)
		}
	})
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

// random generates mux routers and requests to them at random.
type random struct {
	*rand.Rand
	names int
}

func (d *random) of(list ...string) string { return list[d.IntN(len(list))] }
func (d *random) one(n int) bool           { return d.IntN(n) == 0 }

var segments = []string{
	"a", "b", "items", "{v%d}", "{v%d:[0-9]+}", "{v%d:a|b}", "x{v%d}", "{v%d:.*}", "{v%d:[a-z/]+}", "{v%d}.json", "{v%d:[0-9]*}",
	"{v%d:[0-9]{2}}", "{v%d:^a}", "{v%d:a$}", "{v%d:(?:a|items)+}", "{v%d:\\d+\\.?\\d*}", "{v%d:[^/]+}-{v%d:[a-z]+}", "{v%d:(?i)A}",
	"{v%d:a/b|b}", "a.b", "a+", "(a)", "", "{v%d:\\w*}x", "{v%d:.+}.json", "ü", "a b", "{v%d:en|en-us}", "v{v%d:[0-9][0-9a-z.-]*}",
}

func (d *random) template() string {
	var b strings.Builder
	used := 0
	for range 1 + d.IntN(3) {
		piece := d.of(segments...)
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

// settings applies a router's settings to router.
func (d *random) settings(router *mux.Router, kind string) {
	if d.one(3) {
		router.StrictSlash(d.one(2) || kind == "")
	}
	if d.one(6) {
		router.SkipClean(d.one(2) || kind == "")
	}
	if d.one(6) {
		router.UseEncodedPath()
	}
	if d.one(3) {
		router.Use(around("r"+kind), around("R"+kind))
	}
	if d.one(6) {
		router.Use(guard)
	}
	if d.one(6) {
		router.NotFoundHandler = recorder("not found" + kind)
	}
	if d.one(6) {
		router.MethodNotAllowedHandler = recorder("not allowed" + kind)
	}
}

// matchers adds matchers besides the path to route.
func (d *random) matchers(route *mux.Route) {
	if d.one(6) {
		route.Host(d.of("example.com", "{sub}.example.com", "{sub:[a-z]+}.example.com:8080", "{sub:(?:w|www)}.{rest:.*}", "EXAMPLE.com", "{all:.*}"))
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
		answers := d.one(4)
		route.MatcherFunc(func(r *http.Request, m *mux.RouteMatch) bool {
			if answers && r.Method == "POST" {
				m.Handler = recorder("a matcher's")
			}
			return r.Header.Get("X-Kind") == ""
		})
	}
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
		d.matchers(route)
		group := depth > 0 && d.one(3)
		switch {
		case d.one(9):
		case group && d.one(4):
			route.Path(d.template())
		case group || d.one(5):
			route.PathPrefix(d.of("/a", "/b/", "/items", "/", "/{p}", "/x{p}/", "", "/{p:[a-z]{1,2}}", "/{p:.*}/b", "/a/b", "/{p:en|en-us}"))
		default:
			route.Path(d.template())
		}
		if !methodsFirst && !group {
			methods()
		}
		if group {
			d.group(route, depth)
			if !d.one(8) {
				continue
			}
		}
		d.leaf(route, depth)
	}
}

// group adds one or two subrouters below route, and sometimes settings after them.
func (d *random) group(route *mux.Route, depth int) {
	sub := route.Subrouter()
	d.settings(sub, " below")
	d.fill(sub, depth-1)
	if d.one(12) {
		d.fill(route.Subrouter(), depth-1)
	}
	if d.one(8) {
		d.matchers(route)
	}
	if d.one(12) {
		route.Methods("GET")
	}
}

func (d *random) leaf(route *mux.Route, depth int) {
	name := fmt.Sprintf("h%d", d.names)
	if !d.one(12) { // or the name of the previous route
		d.names++
	}
	switch {
	case d.one(12):
	case depth > 0 && d.one(8):
		mounted := mux.NewRouter()
		d.settings(mounted, " mounted")
		d.fill(mounted, depth-1)
		route.Handler(mounted)
	default:
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

func (d *random) router() *mux.Router {
	router := mux.NewRouter()
	d.settings(router, "")
	d.fill(router, 2)
	return router
}

func (d *random) request() *http.Request {
	var b strings.Builder
	for range 1 + d.IntN(4) {
		b.WriteString("/" + d.of("a", "b", "items", "1", "42", "xa", "x", "c.json", "", "..", ".", "aa", "a-b", "1.5", "A", "a.b", "(a)", "a+",
			"bx", "a%2Fb", "%41", "ü", "a%20b", "en", "en-us", "v1.2", "%FF", "%0A", "v9-é"))
	}
	if d.one(3) {
		b.WriteString("/")
	}
	target := b.String()
	if d.one(3) {
		target += d.of("?q=1", "?q=a", "?q=", "?x=2&q=3", "?q=123", "?q=1&q=2", "?x=2;q=1", "?q=%31", "?q", "?q=%zz&q=1", "?&=&q=7")
	}
	r := httptest.NewRequest(d.of("GET", "GET", "POST", "PUT", "DELETE", "HEAD", "get"), "http://"+
		d.of("example.com", "w.example.com", "w.example.com:8080", "other.org", "www.example.com", "EXAMPLE.com", "example.com:80")+"/", nil)
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

// FuzzFromRouter checks that a Router answers each request as mux does, even if requests are
// repeated in any order, and builds the same URLs.
func FuzzFromRouter(f *testing.F) {
	for seed := range uint64(400) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := &random{Rand: rand.New(rand.NewPCG(seed, 1))}
		router := d.router()
		m, err := gorillamux.FromRouter(router)
		if err != nil { // two routers around a route have its variable's name
			require.ErrorContains(t, err, "duplicated route variable")
			return
		}
		requests := make([]*http.Request, 40)
		for i := range requests {
			requests[i] = d.request()
		}
		for range 3 {
			d.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
			for _, r := range requests {
				want, have := ask(router, r), ask(m, r)
				if want.Status == panicked {
					require.Equal(t, 404, have.Status)
					continue
				}
				require.Equal(t, want, have, "%s %s host %s header %v", r.Method, r.URL, r.Host, r.Header)
			}
		}
		d.builds(t, router, m)
	})
}

// builds compares the URLs of the router's routes.
func (d *random) builds(t *testing.T, router *mux.Router, m *gorillamux.Router) {
	b := m.Bind(httptest.NewRequest("GET", "/", nil))
	err := router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		if route.GetName() == "" || router.Get(route.GetName()) == nil {
			return nil
		}
		names, _ := router.Get(route.GetName()).GetVarNames()
		for range 5 {
			var pairs []string
			var values []routing.Value
			for _, name := range names {
				if value := d.of("a", "1", "42", "a b", "items", "ü", "a/b", "twice", ""); !d.one(20) {
					pairs, values = append(pairs, name, value), append(values, routing.With(name, value))
				}
			}
			want, refused := router.Get(route.GetName()).URL(pairs...)
			have, err := b.Build(route.GetName(), values...)
			if refused != nil {
				require.ErrorContains(t, err, strconv.Quote(route.GetName()))
			} else {
				require.NoError(t, err)
				require.Equal(t, want.String(), have)
			}
		}
		return nil
	})
	require.NoError(t, err)
}
