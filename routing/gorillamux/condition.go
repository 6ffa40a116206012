package gorillamux

import (
	"errors"
	"fmt"
	"maps"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/zeugkit/zeug/routing"
)

var errNoRoute = errors.New("the router has no route of this name")

// Condition turns the tests of a mux route into a condition of a rule: headers, queries, schemes, a
// host and MatcherFuncs. The variables of its queries and host become params. The route must have
// no error, no path and no methods, because the rule has its own. Otherwise the Map refuses the
// rule.
func Condition(route *mux.Route) routing.Condition { return condition{route} }

// It calls mux for each test. Its rule has matched the path and the method before, so that most
// requests do not come to it.
type condition struct{ route *mux.Route }

// Match runs the tests of the route.
func (c condition) Match(r *http.Request) (params map[string]string, ok bool) {
	var found mux.RouteMatch
	if !c.route.Match(r, &found) || found.MatchErr != nil {
		return nil, false
	}
	// The values belong to the Params from now on, and a MatcherFunc may have kept the map.
	return maps.Clone(found.Vars), true
}

// Err says what is wrong with the route. The Map calls it when the rule is added, so that a wrong
// condition is an error at the start, with the place of the rule.
func (c condition) Err() error {
	if err := c.route.GetError(); err != nil {
		return fmt.Errorf("its Condition: %w", err)
	}
	if _, err := c.route.GetPathTemplate(); err == nil {
		return errors.New("its Condition has a path of its own")
	}
	if _, err := c.route.GetMethods(); err == nil {
		return errors.New("its Condition has methods of its own: set the rule's Methods")
	}
	return nil
}
