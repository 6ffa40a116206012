// Package gorillamux lets a program that uses gorilla/mux move to package routing route by route.
//
// [FromRouter] serves the routes of a mux router by mux's own rules, faster for most tables of
// routes. It also builds their URLs for the templates and views of package routing. It is the
// handler for everything that has not moved yet:
//
//	old, err := gorillamux.FromRouter(router)
//	urls := routing.MustMap(routing.Rule[http.Handler]{Path: "/post/<int:id>", Target: post})
//	app := urls.Fallback(old)
//
// [Condition] makes a mux route's tests of headers, queries and schemes a condition of a rule, and
// [Vars] lets a handler that reads mux.Vars be the target of a rule.
//
// Only programs that import this package link gorilla/mux.
package gorillamux

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/routelist"
)

// Router serves the routes of a mux router. Its methods may be called by many goroutines at a time.
//
// It answers as mux does, with the same handlers, middlewares, variables (mux.Vars) and route
// (mux.CurrentRoute), in the same order of precedence, with these differences:
//
//   - A 405 without a MethodNotAllowedHandler has an Allow header.
//   - Redirects and URLs have the root path of the mount that the request came
//     through ([gateway.RootPath]).
//   - A middleware is applied to a route's handler once, by FromRouter, and not for each request.
//     To other handlers, such as mux's redirects, it is applied for each request.
//   - A route without a handler, inside a middleware that calls the next handler, is
//     404. In this case mux calls a nil handler.
//   - A MatcherFunc must not change the request.
type Router struct {
	router *mux.Router
	root   *node
	// skipClean and encodedPath are the router's settings of these names.
	skipClean, encodedPath bool

	routes []*route // in mux's order; routes of mounted routers come after the route
	where  string   // file:line of the call of FromRouter
}

// FromRouter returns a handler that serves the routes of the router as they are now. It ignores
// routes and settings that are added later. Routers that are mounted in it as handlers are served
// in the same way.
//
// It returns an error that names every faulty route, or an error if this version of gorilla/mux is
// not supported.
func FromRouter(router *mux.Router) (*Router, error) {
	if err := layoutError(); err != nil {
		return nil, err
	}
	c := &compiler{routers: map[*mux.Router]*Router{}}
	m := c.mount(router)
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	if _, file, line, ok := runtime.Caller(1); ok {
		m.where = fmt.Sprintf("%s:%d", file, line)
	}
	routelist.Add(m, (*Router).listed)
	return m, nil
}

// ServeHTTP calls the handler of the route that matches.
func (m *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.serve(w, r, nil)
}

// Fallback returns a handler that passes requests to next if no route matches and the router has no
// NotFoundHandler. The Router itself answers redirects and 405.
func (m *Router) Fallback(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.serve(w, r, next) })
}

func (m *Router) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if location := m.cleaned(r); location != "" {
		w.Header().Set("Location", location)
		w.WriteHeader(http.StatusMovedPermanently)
		return
	}
	s := state{request: r}
	matched := m.root.match(&s)
	if !matched {
		s.found.Handler = nil
	}
	inner := r
	if matched {
		inner = s.inner()
		defer requestcopy.RemoveFiles(inner, r)
	}
	switch {
	case s.found.Handler != nil:
		s.found.Handler.ServeHTTP(w, inner)
	case s.found.MatchErr == mux.ErrMethodMismatch:
		w.Header()["Allow"] = s.allow()
		w.WriteHeader(http.StatusMethodNotAllowed)
	case next != nil:
		next.ServeHTTP(w, r)
	default:
		http.NotFound(w, inner)
	}
}

// listed describes the routes for "zeug routes" and the debugger.
func (m *Router) listed() (list []routelist.Route) {
	for _, r := range m.routes {
		if r.leadsOn() {
			continue
		}
		methods, _ := r.mux.GetMethods()
		host, _ := r.mux.GetHostTemplate()
		entry := routelist.Route{Path: r.template, Endpoint: r.mux.GetName(), Methods: methods, Place: host, Where: m.where, Note: "gorilla/mux"}
		if r.never {
			entry.Note = "gorilla/mux, for building only"
		}
		list = append(list, entry)
	}
	return list
}
