package routing

import (
	"fmt"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// Dispatch returns a handler that calls serve for each match. The request for serve holds the
// Params for [ParamsOf], and has the rule's path as Pattern; see also [PathValues].
//
// fail gets the errors of Match; nil means [httperror.Respond].
func (m *Map[T]) Dispatch(serve func(w http.ResponseWriter, r *http.Request, match Match[T]), fail httperror.Responder) http.Handler {
	if fail == nil {
		fail = httperror.Respond
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		match, err := m.Bind(r).Match()
		if err != nil {
			fail(w, r, err)
			return
		}
		c := match.Request(r)
		// The copy may have parsed a form with files. The server removes only those of its own
		// request.
		defer requestcopy.RemoveFiles(c, r)
		serve(w, c, match)
	})
}

// PathValues returns h with the strings of the match's values in [http.Request.PathValue], for
// handlers that were written for [http.ServeMux]. Use it as a target of a Map that calls handlers,
// or around such a Map.
func PathValues(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		params := ParamsOf(r)
		for name := range params.All() {
			r.SetPathValue(name, params.String(name))
		}
		h.ServeHTTP(w, r)
	})
}

// Request returns r as the match's target should see it: [ParamsOf] returns the match's values, and
// r.Pattern is the rule's path. It sets Pattern in r itself, and copies r only if the rule has
// values. [Map.Dispatch] calls it.
func (match Match[T]) Request(r *http.Request) *http.Request {
	rule := match.Params.found.rule
	r.Pattern = rule.path
	// In development ParamsOf must find the rule, so that it can report a name that the rule does
	// not have.
	if rule.silent() && match.Params.found.vars == nil && !development.On() {
		return r
	}
	c := &matchedRequest{matchContext: matchContext{Context: r.Context(), params: match.Params}}
	c.request = *r.WithContext(&c.matchContext)
	return &c.request
}

// matchedRequest is a context that holds Params and the request that carries it, in one
// allocation.
type matchedRequest struct {
	matchContext
	request http.Request
}

// silent reports whether r has no values.
func (r *rule) silent() bool { return len(r.variables) == 0 && len(r.defaults) == 0 }

// Handler returns the Map as a handler that calls the target of the rule that matches; the handler
// reads the values with [ParamsOf]. Every target must be an [http.Handler]; otherwise the response
// is a 500.
func (m *Map[T]) Handler() http.Handler {
	return m.Dispatch(call[T], nil)
}

// Fallback returns [Map.Handler] with another handler for requests whose path no rule matches. So
// next gets the requests that are not yet moved into the Map. If only the method is wrong, or a
// redirect is needed, the Map itself answers.
func (m *Map[T]) Fallback(next http.Handler) http.Handler {
	return m.Dispatch(call[T], func(w http.ResponseWriter, r *http.Request, err error) {
		if err == error(httperror.NotFound) {
			next.ServeHTTP(w, r)
			return
		}
		httperror.Respond(w, r, err)
	})
}

// call is the function that Handler and Fallback give to Dispatch.
func call[T any](w http.ResponseWriter, r *http.Request, match Match[T]) {
	h, ok := any(match.Target).(http.Handler)
	if !ok || h == nil {
		httperror.Respond(w, r, fmt.Errorf("routing: the target of rule %q is not an http.Handler", match.Rule().Path))
		return
	}
	h.ServeHTTP(w, r)
}
