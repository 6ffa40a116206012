package main

import (
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v3"
	"github.com/gorilla/mux"
	"github.com/julienschmidt/httprouter"
	"github.com/labstack/echo/v5"
	"github.com/uptrace/bunrouter"
	"github.com/valyala/fasthttp"

	"github.com/zeugkit/zeug/routing"
)

// A peer is a router with the routes of a case. Its handlers read every variable, and convert
// typed variables to numbers, so that the handlers of all peers get the same values.

// route is a route as each family of routers writes it; typed names the
// variables that are integers.
type route struct {
	method, path, colons, regexps, angles, typedColons string

	names  []string
	typed  map[string]bool
	number []bool // whether each of names is typed
}

var variables = regexp.MustCompile(`\{(int:)?([a-z_0-9]+)\}`)

// newRoute reads "GET /user/{int:id}".
func newRoute(text string) route {
	method, path, _ := strings.Cut(text, " ")
	r := route{method: method, path: variables.ReplaceAllString(path, "{$2}"), typed: map[string]bool{}}
	for _, found := range variables.FindAllStringSubmatch(path, -1) {
		r.names = append(r.names, found[2])
		r.typed[found[2]] = found[1] != ""
		r.number = append(r.number, found[1] != "")
	}
	r.colons, r.typedColons = r.with(":$", ":$"), r.with(":$", ":$<int>")
	r.regexps, r.angles = r.with("{$}", "{$:[0-9]+}"), r.with("<$>", "<int:$>")
	return r
}

func newRoutes(texts []string) []route {
	routes := make([]route, len(texts))
	for i, text := range texts {
		routes[i] = newRoute(text)
	}
	return routes
}

// with returns the path in the syntax of a router: text is the form of a variable for strings,
// typed that for numbers, and "$" stands for the name of the variable.
func (r route) with(text, typed string) string {
	return variables.ReplaceAllStringFunc(r.path, func(v string) string {
		name := v[1 : len(v)-1]
		if r.typed[name] {
			return strings.ReplaceAll(typed, "$", name)
		}
		return strings.ReplaceAll(text, "$", name)
	})
}

// sink takes what handlers read, so that the compiler does not leave the reading out.
//
//lint:ignore U1000 it is never read
var sink int

// read reads the route's variables by get.
func (r *route) read(get func(name string) string) {
	for i, name := range r.names {
		value := get(name)
		if r.number[i] {
			n, _ := strconv.Atoi(value)
			sink += n
			continue
		}
		sink += len(value)
	}
}

// serve is how a request of a case reaches a router.
type serve func(w http.ResponseWriter, r *http.Request)

// peer is a router's name and how it is made; only the first is ours.
type peer struct {
	name string
	make func(routes []route) serve
}

var peers = []peer{
	{"zeug", zeug}, {"zeug, http.Handler", zeugHandler},
	{"ServeMux", serveMux}, {"gorilla/mux", gorilla}, {"chi", newChi}, {"httprouter", newHTTPRouter},
	{"gin", newGin}, {"echo", newEcho}, {"bunrouter", newBunRouter}, {"fiber", nil},
}

// target is a kind of view that an application might define for itself.
type target func(w http.ResponseWriter, r *http.Request, params routing.Params)

func zeugRules[T any](routes []route, target func(r route) T) routing.Rules[T] {
	rules := make(routing.Rules[T], len(routes))
	for i, r := range routes {
		rules[i] = routing.Rule[T]{Path: r.angles, Endpoint: r.method + r.path, Target: target(r)}
		if r.method != "" {
			rule := rules[i].(routing.Rule[T])
			rule.Methods = []string{r.method}
			rules[i] = rule
		}
	}
	return rules
}

func (r *route) readParams(params routing.Params) {
	for i, name := range r.names {
		if r.number[i] {
			sink += params.Int(name)
			continue
		}
		sink += len(params.String(name))
	}
}

func zeug(routes []route) serve {
	urls := routing.MustMap(zeugRules(routes, func(r route) target {
		return func(_ http.ResponseWriter, _ *http.Request, params routing.Params) { r.readParams(params) }
	}))
	return func(w http.ResponseWriter, r *http.Request) {
		match, err := urls.Bind(r).Match()
		if err != nil {
			plain(w, err)
			return
		}
		match.Target(w, r, match.Params)
	}
}

// plain answers as the peers do, with a line of text: the work of httperror.Respond is in the
// column of the http.Handler.
func plain(w http.ResponseWriter, err error) {
	h := w.Header()
	h["Content-Type"] = textPlain
	if refused, ok := err.(*routing.MethodNotAllowedError); ok {
		h.Set("Allow", strings.Join(refused.Allow, ", "))
		w.WriteHeader(http.StatusMethodNotAllowed)
		_, _ = io.WriteString(w, "405 method not allowed\n")
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, "404 page not found\n")
}

var textPlain = []string{"text/plain; charset=utf-8"}

func zeugHandler(routes []route) serve {
	return routing.MustMap(zeugRules(routes, func(r route) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { r.readParams(routing.ParamsOf(req)) })
	})).Handler().ServeHTTP
}

func serveMux(routes []route) serve {
	m := http.NewServeMux()
	for _, r := range routes {
		m.HandleFunc(r.method+" "+r.path, func(_ http.ResponseWriter, req *http.Request) { r.read(req.PathValue) })
	}
	return m.ServeHTTP
}

func gorilla(routes []route) serve {
	m := mux.NewRouter()
	for _, r := range routes {
		m.HandleFunc(r.regexps, func(_ http.ResponseWriter, req *http.Request) {
			vars := mux.Vars(req)
			r.read(func(name string) string { return vars[name] })
		}).Methods(r.method).Name(r.method + r.path)
	}
	return m.ServeHTTP
}

func newChi(routes []route) serve {
	m := chi.NewRouter()
	for _, r := range routes {
		m.MethodFunc(r.method, r.regexps, func(_ http.ResponseWriter, req *http.Request) {
			r.read(func(name string) string { return chi.URLParam(req, name) })
		})
	}
	return m.ServeHTTP
}

func newHTTPRouter(routes []route) serve {
	m := httprouter.New()
	for _, r := range routes {
		m.Handle(r.method, r.colons, func(_ http.ResponseWriter, _ *http.Request, p httprouter.Params) {
			r.read(p.ByName)
		})
	}
	return m.ServeHTTP
}

func newGin(routes []route) serve {
	gin.SetMode(gin.ReleaseMode)
	m := gin.New()
	m.HandleMethodNotAllowed = true
	for _, r := range routes {
		m.Handle(r.method, r.colons, func(c *gin.Context) { r.read(c.Param) })
	}
	return m.ServeHTTP
}

func newEcho(routes []route) serve {
	m := echo.New()
	for _, r := range routes {
		m.Add(r.method, r.colons, func(c *echo.Context) error {
			r.read(c.Param)
			return nil
		})
	}
	return m.ServeHTTP
}

func newBunRouter(routes []route) serve {
	m := bunrouter.New()
	for _, r := range routes {
		m.Handle(r.method, r.colons, func(_ http.ResponseWriter, req bunrouter.Request) error {
			r.read(req.Param)
			return nil
		})
	}
	return m.ServeHTTP
}

// newFiber is fiber's router, which has no net/http: it serves fasthttp's
// requests.
func newFiber(routes []route) fasthttp.RequestHandler {
	m := fiber.New()
	for _, r := range routes {
		m.Add([]string{r.method}, r.typedColons, func(c fiber.Ctx) error {
			r.read(func(name string) string { return c.Params(name) })
			return nil
		})
	}
	return m.Handler()
}
