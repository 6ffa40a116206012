package zeug

import (
	"net/http"
	"runtime"
	"strings"

	"github.com/zeugkit/zeug/routing"
)

// View handles a request. It returns a response, or an error that becomes the response. The errors
// of package httperror have their own status code. Any other error is a logged 500, or the
// debugger's page in development.
type View func(*Request) (*Response, error)

// Get routes GET and HEAD requests for a path to a view. The path is that of a [routing.Rule], such
// as "/user/<int:id>".
//
// The endpoint, by which [Request.URL] builds the route's URL, is the name of the view's function:
// "show" for show and for the method a.show. A function literal has none. [RouteRule.Endpoint]
// gives another one.
func Get(path string, view View) RouteRule {
	return newRoute(written(), path, view, http.MethodGet)
}

// Post routes POST requests for a path to a view; see [Get].
func Post(path string, view View) RouteRule {
	return newRoute(written(), path, view, http.MethodPost)
}

// Put routes PUT requests for a path to a view; see [Get].
func Put(path string, view View) RouteRule {
	return newRoute(written(), path, view, http.MethodPut)
}

// Patch routes PATCH requests for a path to a view; see [Get].
func Patch(path string, view View) RouteRule {
	return newRoute(written(), path, view, http.MethodPatch)
}

// Delete routes DELETE requests for a path to a view; see [Get].
func Delete(path string, view View) RouteRule {
	return newRoute(written(), path, view, http.MethodDelete)
}

// Route routes requests with any of the methods to a view, and with all methods if none are
// given; see [Get].
//
//	zeug.Route("/login", login, "GET", "POST")
func Route(path string, view View, methods ...string) RouteRule {
	return newRoute(written(), path, view, methods...)
}

// Handle routes all requests for a path to any handler. The handler reads the path's variables with
// [routing.ParamsOf]. If a handler has paths of its own, see [Mount].
func Handle(path string, h http.Handler) RouteRule {
	return RouteRule{where: written(), rule: routing.Rule[target]{Path: path, Target: target{handler: h}}}
}

// Rule makes a route from a [routing.Rule], with all of its fields, such as Alias, RedirectTo or
// WebSocket:
//
//	zeug.Rule(routing.Rule[zeug.View]{Path: "/old/<int:id>", RedirectTo: "/item/<id>"})
func Rule(r routing.Rule[View]) RouteRule {
	where := written()
	rule := routing.Rule[target]{
		Path: r.Path, Endpoint: r.Endpoint, Methods: r.Methods, Defaults: r.Defaults,
		Subdomain: r.Subdomain, BareHost: r.BareHost, Host: r.Host,
		BuildOnly: r.BuildOnly, Alias: r.Alias, RedirectTo: r.RedirectTo, RedirectFunc: r.RedirectFunc,
		WebSocket: r.WebSocket, StrictSlashes: r.StrictSlashes, MergeSlashes: r.MergeSlashes,
		Target: target{view: r.Target},
	}
	return RouteRule{where: where, rule: rule}
}

// RouteRule is a route, as returned by [Get] and similar functions. It is a [Part]. Its methods
// return changed copies.
type RouteRule struct {
	where string
	rule  routing.Rule[target]
	auto  bool // the endpoint is the name of the view's function
	code  uintptr
}

func newRoute(where, path string, view View, methods ...string) RouteRule {
	r := RouteRule{where: where, rule: routing.Rule[target]{Path: path, Methods: methods, Target: target{view: view}}}
	if view != nil {
		r.code = code(view)
		r.rule.Endpoint = nameOf(r.code)
		r.auto = r.rule.Endpoint != ""
	}
	return r
}

// Endpoint returns the route with another endpoint. Routes may share one: the URL is that of the
// first route that the values fit.
func (r RouteRule) Endpoint(name string) RouteRule {
	r.rule.Endpoint, r.auto = name, false
	return r
}

// Defaults returns the route with values for variables that its path does not have, so that several
// routes can share one view:
//
//	zeug.Get("/posts/", posts).Defaults(map[string]any{"page": 1}),
//	zeug.Get("/posts/page/<int:page>", posts),
//
// GET /posts/page/1 then redirects to /posts/.
func (r RouteRule) Defaults(values map[string]any) RouteRule {
	r.rule.Defaults = values
	return r
}

func (r RouteRule) addTo(l *list) {
	if r.auto {
		endpoint := r.rule.Endpoint
		for at := l; at != nil; at = at.outer {
			endpoint = at.endpointPrefix + endpoint
		}
		top := l.top()
		if other, ok := top.named[endpoint]; ok && other.code != r.code {
			l.mistake(r.where, "the endpoint %q is also that of another view (%s): give one of them a name with Endpoint", endpoint, other.where)
			return
		}
		top.named[endpoint] = named{r.code, r.where}
	}
	l.add(r.rule, r.where)
}

// nameOf returns the name of the function with this entry point: "hello" of main.hello, "list" of
// the method main.(*api).list, "" of a function literal.
func nameOf(code uintptr) string {
	name := runtime.FuncForPC(code).Name()
	name, _, _ = strings.Cut(name, "[") // type parameters
	name, method := strings.CutSuffix(name, "-fm")
	name = name[strings.LastIndexByte(name, '/')+1:]
	parts := strings.Split(name, ".")[1:]
	last := parts[len(parts)-1]
	if !method && len(parts) > 1 && !strings.HasPrefix(parts[0], "(") || literal(last) {
		return "" // main.newApp.func1
	}
	return last
}

// literal reports whether the compiler made the name, for a function literal.
func literal(name string) bool {
	digits, ok := strings.CutPrefix(name, "func")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
