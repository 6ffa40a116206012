package gateway

import (
	"context"
	"net/http"
	"sync/atomic"
)

// Route is the rule of a router that a request matched. An access log, metrics or the debugger put
// an empty Route into the request by [WithRoute], and read it when the handler has returned. The
// router finds it by [RouteOf] and fills it in.
type Route struct {
	// Pattern is the text of the rule, "" if none matched. Unlike the path it
	// has few different values, so it is usable as a label.
	Pattern string
	// Endpoint is the rule's name, which may be "".
	Endpoint string
	// Params returns the values of the rule's variables, by name. It is nil if
	// no rule matched.
	Params func() map[string]any
}

type routeKey struct{}

// routesWanted says that some code in this process has asked for a Route. Until then no router
// looks for a Route, so that requests do not pay for a value that is not read.
var routesWanted atomic.Bool

// WithRoute returns a copy of r whose context holds a Route for a router to
// fill in, and that Route. If r has one already, it is returned with r itself.
// The Route belongs to the goroutine that serves the request.
func WithRoute(r *http.Request) (*http.Request, *Route) {
	if route := RouteOf(r); route != nil {
		return r, route
	}
	if !routesWanted.Load() {
		routesWanted.Store(true)
	}
	c := &routedRequest{routed: routed{Context: r.Context()}}
	c.request = *r.WithContext(&c.routed)
	return &c.request, &c.route
}

// routedRequest is a context that holds a Route and the request that carries it, in
// one allocation.
type routedRequest struct {
	routed
	request http.Request
}

// routed is a context that holds a Route.
type routed struct {
	context.Context
	route Route
}

func (c *routed) Value(key any) any {
	if key == (routeKey{}) {
		return &c.route
	}
	return c.Context.Value(key)
}

// RouteOf returns the Route in r's context that a router may fill in, or nil.
func RouteOf(r *http.Request) *Route {
	if !routesWanted.Load() {
		return nil
	}
	return routeIn(r)
}

// routeIn is separate from RouteOf so that RouteOf can be inlined: finding out
// that no Route is wanted then costs no call.
func routeIn(r *http.Request) *Route {
	route, _ := r.Context().Value(routeKey{}).(*Route)
	return route
}
