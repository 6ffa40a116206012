package routing

import (
	"context"
	"maps"
	"net/http"

	"github.com/gorilla/mux"
)

// muxKeys are the keys under which gorilla/mux keeps the variables and the
// route in a context. mux does not export them: a context that is asked by
// mux's own functions learns them.
var muxKeys = func() (keys struct{ vars, route any }) {
	ask := func(question func(*http.Request)) (asked any) {
		c := &listeningContext{Context: context.Background()}
		question((&http.Request{}).WithContext(c))
		return c.asked
	}
	keys.vars = ask(func(r *http.Request) { mux.Vars(r) })
	keys.route = ask(func(r *http.Request) { mux.CurrentRoute(r) })
	return keys
}()

type listeningContext struct {
	context.Context
	asked any
}

func (c *listeningContext) Value(key any) any {
	c.asked = key
	return nil
}

// muxValue answers what mux.Vars and mux.CurrentRoute ask a context for.
func (c *matchContext) muxValue(key any) (value any, ok bool) {
	switch key {
	case muxKeys.vars:
		texts := map[string]string{}
		if outer, ok := c.Context.Value(key).(map[string]string); ok {
			maps.Copy(texts, outer) // of a router that this Map is mounted in
		}
		maps.Copy(texts, c.args.texts())
		return texts, true
	case muxKeys.route:
		switch r := c.args.found.rule; {
		case r.muxRoute != nil:
			return r.muxRoute.route, true
		case r.route != nil:
			return r.route, true
		}
	}
	return nil, false
}
