package routing

import (
	"fmt"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
)

// A Map as an http.Handler, for targets that are handlers.

// Dispatch returns a handler that gives each match to serve, and what matches
// no rule to [httperror.Respond]. The request that serve gets holds the Args
// for [ArgsOf] and mux.Vars, and has the rule's path as Pattern; see also
// [PathValues].
func (m *Map[T]) Dispatch(serve func(w http.ResponseWriter, r *http.Request, match Match[T])) http.Handler {
	return m.DispatchOr(serve, httperror.Respond)
}

// DispatchOr is [Map.Dispatch] with a handler of one's own for what Match
// returns as an error.
func (m *Map[T]) DispatchOr(serve func(w http.ResponseWriter, r *http.Request, match Match[T]), fail httperror.Responder) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		match, err := m.Bind(r).Match()
		if err != nil {
			fail(w, r, err)
			return
		}
		serve(w, match.request(r), match)
	})
}

// PathValues returns h with the texts of the match's values as [http.Request.PathValue]
// has them, for handlers that were written for [http.ServeMux]. It is a target of a
// Map that calls handlers, or stands around one.
func PathValues(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		args := ArgsOf(r)
		for name := range args.All() {
			r.SetPathValue(name, args.String(name))
		}
		h.ServeHTTP(w, r)
	})
}

// request returns r as the match's target is to see it.
func (match *Match[T]) request(r *http.Request) *http.Request {
	rule := match.Args.found.rule
	r.Pattern = rule.path
	if rule.silent() && rule.route == nil && match.Args.found.vars == nil {
		return r
	}
	return r.WithContext(&matchContext{Context: r.Context(), args: match.Args})
}

// silent reports whether r has no values.
func (r *rule) silent() bool { return len(r.variables) == 0 && len(r.defaults) == 0 }

// Handler returns the Map as a handler that calls the target of the rule that
// matches; the handler finds the values by [ArgsOf]. Every target must be an
// [http.Handler], or it answers 500.
func (m *Map[T]) Handler() http.Handler {
	return m.Dispatch(call[T])
}

// Fallback returns [Map.Handler] with another handler for what no rule's path
// matches, which so sees what is not yet moved into the Map. A redirect and a
// wrong method still answer for themselves.
func (m *Map[T]) Fallback(next http.Handler) http.Handler {
	return m.DispatchOr(call[T], func(w http.ResponseWriter, r *http.Request, err error) {
		if err == error(httperror.NotFound) {
			next.ServeHTTP(w, r)
			return
		}
		httperror.Respond(w, r, err)
	})
}

func call[T any](w http.ResponseWriter, r *http.Request, match Match[T]) {
	h, ok := any(match.Target).(http.Handler)
	if !ok || h == nil {
		httperror.Respond(w, r, fmt.Errorf("routing: the target of rule %q is no http.Handler", match.Rule().Path))
		return
	}
	h.ServeHTTP(w, r)
}
