package gateway

import (
	"context"
	"net/http"
	"sync/atomic"
)

// Route is which rule of a router a request matched. Whoever wants to know (an
// access log, metrics, the debugger) leaves an empty one with the request by
// [WithRoute], and reads it when the handler has returned; the router fills in
// the one it finds by [RouteOf].
type Route struct {
	// Pattern is the text of the rule, "" if none matched: a label of low
	// cardinality, unlike the path.
	Pattern string
	// Endpoint is the rule's name, which may be "".
	Endpoint string
	// Args returns the values of the rule's variables, by name. It is nil if
	// no rule matched.
	Args func() map[string]any
}

type routeKey struct{}

// routesWanted says that somebody in this process has asked for a Route. Until
// then no router looks for one, so that nobody pays for what nobody reads.
var routesWanted atomic.Bool

// WithRoute returns a copy of r whose context holds a Route for a router to
// fill in, and that Route. If r has one already, it is returned with r itself.
// The Route belongs to the goroutine that serves the request.
func WithRoute(r *http.Request) (*http.Request, *Route) {
	if route := RouteOf(r); route != nil {
		return r, route
	}
	ctx, route := ContextWithRoute(r.Context())
	return r.WithContext(ctx), route
}

// ContextWithRoute is [WithRoute] for who puts more into the request's context,
// and copies the request once.
func ContextWithRoute(ctx context.Context) (context.Context, *Route) {
	if !routesWanted.Load() {
		routesWanted.Store(true)
	}
	if route, _ := ctx.Value(routeKey{}).(*Route); route != nil {
		return ctx, route
	}
	c := &routed{Context: ctx}
	return c, &c.route
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

// RouteOf returns the Route that waits in r's context, or nil.
func RouteOf(r *http.Request) *Route {
	if !routesWanted.Load() {
		return nil
	}
	return routeIn(r)
}

// routeIn is apart from RouteOf so that the question whether to look costs its
// caller no call.
func routeIn(r *http.Request) *Route {
	route, _ := r.Context().Value(routeKey{}).(*Route)
	return route
}
