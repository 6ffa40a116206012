package gorillamux_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/routing/gorillamux"
)

// says is a handler that responds with its name and the variables.
func says(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, name, mux.Vars(r)) })
}

func served(t testing.TB, router *mux.Router) *gorillamux.Router {
	t.Helper()
	m, err := gorillamux.FromRouter(router)
	require.NoError(t, err)
	return m
}

// get returns the status, location and body of a response.
func get(h http.Handler, method, target string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	body := w.Body.String()
	if w.Code >= 300 {
		body = w.Header().Get("Location")
	}
	return strings.TrimSpace(fmt.Sprint(w.Code, " ", body))
}

// asked is a request, and mux's response to it.
type asked struct{ method, target, want string }

// TestAnswersDoNotDependOnEarlierRequests sends each request of a table three times, among the
// others, and requires the response of mux each time.
func TestAnswersDoNotDependOnEarlierRequests(t *testing.T) {
	for _, c := range []struct {
		name     string
		router   func() *mux.Router
		requests []asked
	}{
		{"a redirect is for its own request", func() *mux.Router {
			r := mux.NewRouter().StrictSlash(true)
			s := r.Path("/wiki/{page:.+}/").Subrouter()
			s.PathPrefix("/").Handler(says("page"))
			return r
		}, []asked{
			{"GET", "/wiki/a/b?token=secret", "301 /wiki/a/b/?token=secret"},
			{"GET", "/wiki/a/c/", "200 pagemap[page:a/c/]"},
		}},
		{"a mounted router keeps its precedence", func() *mux.Router {
			api := mux.NewRouter()
			api.Handle("/api/users", says("users"))
			r := mux.NewRouter()
			r.PathPrefix("/api").Handler(api)
			r.PathPrefix("/").Handler(says("spa"))
			return r
		}, []asked{
			{"GET", "/about", "200 spamap[]"},
			{"GET", "/api/nothing", "404"},
			{"GET", "/api/users", "200 usersmap[]"},
		}},
		{"variables are those of the outer route", func() *mux.Router {
			r := mux.NewRouter()
			s := r.PathPrefix("/{lang:en|en-us}").Subrouter()
			s.Handle("/x", says("x"))
			s.PathPrefix("/").Handler(says("rest"))
			tenant := r.PathPrefix("/t/{tenant:.*}").Subrouter()
			tenant.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if mux.Vars(r)["tenant"] == "" {
						http.Error(w, "", http.StatusForbidden)
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			tenant.Handle("/home", says("home"))
			return r
		}, []asked{
			{"GET", "/en/x", "200 xmap[lang:en]"},
			{"GET", "/en-us/x", "200 xmap[lang:en]"},
			{"GET", "/t/acme/home", "200 homemap[tenant:acme/home]"},
		}},
		{"a route has a handler and a subrouter", func() *mux.Router {
			r := mux.NewRouter()
			route := r.PathPrefix("/a").Handler(says("a"))
			route.Subrouter().Handle("/b", says("b"))
			r.NewRoute().PathPrefix("/c").Handler(says("c")).Subrouter().NewRoute().Path("/d")
			return r
		}, []asked{
			{"GET", "/a/b", "200 bmap[]"},
			{"GET", "/a/x", "404"},
			{"GET", "/c/d", "200 cmap[]"},
		}},
		{"a middleware answers for a route without a handler", func() *mux.Router {
			r := mux.NewRouter()
			r.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == "OPTIONS" {
						fmt.Fprint(w, "preflight")
						return
					}
					next.ServeHTTP(w, r)
				})
			})
			r.Methods("OPTIONS").PathPrefix("/")
			r.Handle("/x", says("x")).Methods("GET")
			return r
		}, []asked{
			{"OPTIONS", "/x", "200 preflight"},
			{"GET", "/x", "200 xmap[]"},
			{"POST", "/x", "405"},
		}},
		{"a route has two subrouters", func() *mux.Router {
			r := mux.NewRouter()
			route := r.PathPrefix("/two")
			first, second := route.Subrouter(), route.Subrouter()
			first.Use(noted("1"))
			second.Use(noted("2"))
			first.PathPrefix("/{v}").Handler(says("first"))
			second.PathPrefix("/x").Handler(says("second"))
			return r
		}, []asked{
			{"GET", "/two/x", "200 211firstmap[v:x]"},
			{"GET", "/two/y", "404"},
		}},
		{"settings follow the subrouter", func() *mux.Router {
			r := mux.NewRouter()
			route := r.PathPrefix("/late")
			route.Subrouter().Handle("/x", says("x"))
			route.Methods("POST").Queries("q", "{q}")
			r.Handle("/late/x", says("fallback"))
			return r
		}, []asked{
			{"POST", "/late/x?q=1", "200 xmap[q:1]"},
			{"GET", "/late/x?q=1", "200 xmap[]"},
			{"POST", "/late/x", "200 xmap[]"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			router := c.router()
			m := served(t, c.router())
			for range 3 {
				for i := range c.requests {
					for _, r := range append(c.requests[i:len(c.requests):len(c.requests)], c.requests[:i]...) {
						require.Equal(t, r.want, get(m, r.method, r.target), "%s %s", r.method, r.target)
						if !strings.HasPrefix(r.want, "404") {
							require.Equal(t, r.want, get(router, r.method, r.target), "mux: %s %s", r.method, r.target)
						}
					}
				}
			}
		})
	}
}

// noted is a middleware that writes its name first.
func noted(name string) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, name)
			next.ServeHTTP(w, r)
		})
	}
}

func TestMatcherFuncsAreCalledAsOftenAsByMux(t *testing.T) {
	calls := 0
	router := mux.NewRouter()
	router.Use(noted(""))
	counting := func(*http.Request, *mux.RouteMatch) bool { calls++; return true }
	router.PathPrefix("/a").MatcherFunc(counting).Subrouter().Handle("/b", says("b")).MatcherFunc(counting)
	router.Handle("/c", says("c")).MatcherFunc(counting)
	m := served(t, router)
	for target, want := range map[string]int{"/a/b": 3, "/a/x": 2, "/c": 1, "/d": 0} {
		for _, h := range []http.Handler{router, m, m} {
			calls = 0
			get(h, "GET", target)
			require.Equal(t, want, calls, target)
		}
	}
}

func TestMiddlewaresAreAppliedOnce(t *testing.T) {
	applied := 0
	router := mux.NewRouter()
	router.Use(func(next http.Handler) http.Handler { applied++; return next })
	router.Handle("/a", says("a"))
	m := served(t, router)
	for range 3 {
		require.Equal(t, "200 amap[]", get(m, "GET", "/a"))
	}
	require.Equal(t, 1, applied)
}

func TestARouteWithoutAHandlerIsNotFound(t *testing.T) {
	router := mux.NewRouter()
	router.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	})
	router.Path("/a")
	m := served(t, router)
	require.Equal(t, "404", get(m, "GET", "/a"))
	require.Panics(t, func() { get(router, "GET", "/a") }, "mux calls a nil handler")
}

func TestFaultyRoutesAreNamed(t *testing.T) {
	router := mux.NewRouter()
	router.Handle("/a", says("a"))
	inner := mux.NewRouter()
	inner.Handle("/b/{", says("b"))
	router.NewRoute().Handler(inner).Path("c").Name("faulty")
	_, err := gorillamux.FromRouter(router)
	require.ErrorContains(t, err, "route 1 (")
	require.ErrorContains(t, err, "path must start with a slash")
	require.ErrorContains(t, err, "unbalanced braces")
}

func TestBelowAMount(t *testing.T) {
	router := mux.NewRouter().StrictSlash(true)
	router.Handle("/dir/", says("dir")).Name("dir")
	router.Handle("/{name}", says("page")).Name("page")
	m := served(t, router)
	var built string
	around := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		built, _ = m.Bind(r).Build("page", routing.With("name", "a b"), routing.With("tag", []string{"x", "y"}))
		m.ServeHTTP(w, r)
	})
	app := middleware.Dispatcher{Mounts: map[string]http.Handler{"/my app": around}}.Wrap(http.NotFoundHandler())
	require.Equal(t, "301 /my%20app/dir/?q=1", get(app, "GET", "/my%20app/dir?q=1"))
	require.Equal(t, "/my%20app/a%20b?tag=x&tag=y", built)
	require.Equal(t, "301 /my%20app/b", get(app, "GET", "/my%20app/a/../b"))
	require.Equal(t, "200 pagemap[name:b]", get(app, "GET", "/my%20app/b"))
}

func TestBuild(t *testing.T) {
	router := mux.NewRouter()
	router.Handle("/first", says("first")).Name("twice")
	router.Handle("/last", says("last")).Name("twice")
	router.Host("{sub}.example.org").Path("/{id:[0-9]+}").Name("user")
	m := served(t, router)
	b := m.Bind(httptest.NewRequest("GET", "https://example.org/", nil))
	for _, c := range []struct {
		name    string
		options routing.BuildOptions
		values  []routing.Value
		want    string
		says    string
	}{
		{name: "twice", want: "/last"},
		{name: "twice", options: routing.BuildOptions{External: true}, want: "https://example.org/last"},
		{name: "twice", options: routing.BuildOptions{External: true, NoScheme: true}, want: "//example.org/last"},
		{name: "twice", options: routing.BuildOptions{DropUnknown: true}, values: []routing.Value{routing.With("q", 1)}, want: "/last"},
		{name: "user", values: []routing.Value{routing.With("sub", "a"), routing.With("id", 7), routing.With("q", "ü")}, want: "http://a.example.org/7?q=%C3%BC"},
		{name: "user", values: []routing.Value{routing.With("sub", "a")}, says: `missing route variable "id"`},
		{name: "user", values: []routing.Value{routing.With("sub", "a"), routing.With("id", "x")}, says: "doesn't match"},
		{name: "usr", says: `did you mean "user"?`},
	} {
		have, err := b.BuildWith(c.options, c.name, c.values...)
		if c.says != "" {
			var refused *routing.BuildError
			require.ErrorAs(t, err, &refused)
			require.ErrorContains(t, err, c.says)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, have)
	}
}

func TestTheRouteIsReportedAndListed(t *testing.T) {
	router := mux.NewRouter()
	router.PathPrefix("/users").Subrouter().Handle("/{id}", says("user")).Name("user").Methods("GET")
	m := served(t, router)
	r, route := gateway.WithRoute(httptest.NewRequest("GET", "/users/7", nil))
	m.ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, "/users/{id}", route.Pattern)
	require.Equal(t, "user", route.Endpoint)
	require.Equal(t, map[string]any{"id": "7"}, route.Params())
	var listed []routelist.Route
	for _, r := range routelist.All() {
		if r.Path == "/users/{id}" {
			listed = append(listed, r)
		}
	}
	runtime.KeepAlive(m) // a router that nothing uses any more is not listed
	require.NotEmpty(t, listed)
	last := listed[len(listed)-1] // other routers may be left from earlier tests
	require.Equal(t, []string{"GET"}, last.Methods)
	require.Contains(t, last.Where, "gorillamux_test.go:")
}

func TestFallback(t *testing.T) {
	router := mux.NewRouter()
	router.Handle("/a", says("a")).Methods("GET")
	app := served(t, router).Fallback(says("next"))
	require.Equal(t, "200 amap[]", get(app, "GET", "/a"))
	require.Equal(t, "405", get(app, "POST", "/a"))
	require.Equal(t, "200 nextmap[]", get(app, "GET", "/b"))
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "/a", nil))
	require.Equal(t, "GET", w.Header().Get("Allow"))
}

func TestVarsAreThoseOfBothRouters(t *testing.T) {
	outer := mux.NewRouter()
	outer.PathPrefix("/{tenant}/app").Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.StripPrefix("/"+mux.Vars(r)["tenant"]+"/app", routing.MustMap(
			routing.Rule[http.Handler]{Path: "/user/<int:id>", Target: gorillamux.Vars(says("user"))},
		).Handler()).ServeHTTP(w, r)
	}))
	require.Equal(t, "200 usermap[id:7 tenant:acme]", get(served(t, outer), "GET", "/acme/app/user/7"))
	inner := mux.NewRouter()
	inner.HandleFunc("/old/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, mux.Vars(r)["name"], routing.ParamsOf(r).String("rest"))
	})
	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/old/<path:rest>", Target: served(t, inner)})
	require.Equal(t, "200 xx", get(urls.Handler(), "GET", "/old/x"))
}

func TestConditions(t *testing.T) {
	condition := func(r *mux.Route) routing.Rule[int] {
		return routing.Rule[int]{Path: "/", Condition: gorillamux.Condition(r)}
	}
	for says, rule := range map[string]routing.Rule[int]{
		"a path of its own":  condition(new(mux.Route).Path("/x")),
		"methods of its own": condition(new(mux.Route).Methods("GET")),
		"its Condition: mux": condition(new(mux.Route).Queries("q", "{")),
	} {
		_, err := routing.NewMap(rule)
		require.ErrorContains(t, err, says)
	}
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/<name>", Target: 1, Condition: gorillamux.Condition(new(mux.Route).Queries("page", "{page:[0-9]+}"))},
		routing.Rule[int]{Path: "/<name>", Target: 2, Condition: gorillamux.Condition(new(mux.Route).Headers("X-Kind", "json").Schemes("https"))},
		routing.Rule[int]{Path: "/<name>", Target: 3},
	)
	for target, want := range map[string]string{
		"http://example.org/x?page=7": "1 map[name:x page:7]", "https://example.org/x?page=a": "2 map[name:x]", "http://example.org/x": "3 map[name:x]",
	} {
		r := httptest.NewRequest("GET", target, nil)
		r.Header.Set("X-Kind", "json")
		match, err := urls.Bind(r).Match()
		require.NoError(t, err)
		require.Equal(t, want, fmt.Sprint(match.Target, match.Params.Map()))
	}
}
