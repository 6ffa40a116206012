package gorillamux

import (
	"context"
	"maps"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/routing"
)

// keys are the keys under which mux keeps the variables and the route in a context. mux does not
// export them, so they are found out with a context that records the keys for which mux's own
// functions ask.
var keys = func() (keys struct{ vars, route any }) {
	// mux.Vars asks the context for its key, and finds nothing.
	ask := func(question func(*http.Request)) any {
		c := &listeningContext{Context: context.Background()}
		question((&http.Request{}).WithContext(c))
		return c.asked
	}
	keys.vars = ask(func(r *http.Request) { mux.Vars(r) })
	keys.route = ask(func(r *http.Request) { mux.CurrentRoute(r) })
	return keys
}()

// listeningContext records the key that it was asked for.
type listeningContext struct {
	context.Context
	asked any
}

func (c *listeningContext) Value(key any) any {
	c.asked = key
	return nil
}

// matchContext is the context of a handler that a Router calls. It answers for both of mux's keys,
// which takes one allocation. mux itself makes two contexts and two requests.
type matchContext struct {
	context.Context
	found *mux.RouteMatch
}

func (c *matchContext) Value(key any) any {
	switch key {
	case keys.vars:
		return c.found.Vars
	case keys.route:
		return c.found.Route
	}
	return c.Context.Value(key)
}

// inner returns the request for the handler. It also reports the route to the access log, metrics
// and debugger if they want it.
func (s *state) inner() *http.Request {
	found := &s.found
	r := s.request.WithContext(&matchContext{s.request.Context(), found})
	// A NotFoundHandler has no route, so there is nothing to report.
	if found.Route == nil {
		return r
	}
	// A route without a path has no template. Its Pattern is then empty.
	template, _ := found.Route.GetPathTemplate()
	r.Pattern = template
	if report := gateway.RouteOf(r); report != nil {
		report.Pattern, report.Endpoint = template, found.Route.GetName()
		report.Params = func() map[string]any {
			values := map[string]any{}
			for name, value := range found.Vars {
				values[name] = value
			}
			return values
		}
	}
	return r
}

// Vars makes h usable as the target of a rule: the params of the match are in mux.Vars, together
// with the variables of a mux router around the Map. For the rule "/user/<int:id>" and the path
// /user/7, mux.Vars has id="7", a string.
func Vars(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		vars := map[string]string{}
		// The map of the outer router is not changed, because its middlewares may still read it.
		maps.Copy(vars, mux.Vars(r))
		params := routing.ParamsOf(r)
		for name := range params.All() {
			vars[name] = params.String(name)
		}
		requestcopy.Serve(h, w, mux.SetURLVars(r, vars), r)
	})
}
