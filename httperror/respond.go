package httperror

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
)

// Responder answers the request r, which failed with err.
type Responder func(w http.ResponseWriter, r *http.Request, err error)

type responderKey struct{}

// WithResponder returns a copy of r whose failures f answers: an application's
// own pages, or the debugger's.
func WithResponder(r *http.Request, f Responder) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), responderKey{}, f))
}

// Respond answers r with err: through the [Responder] of r if it has one, and
// else by [Default].
func Respond(w http.ResponseWriter, r *http.Request, err error) {
	if f, ok := r.Context().Value(responderKey{}).(Responder); ok {
		f(w, r, err)
		return
	}
	Default(w, r, err)
}

// Default answers r with the first error in err's tree that is itself an
// [http.Handler] (a [Code], an [Error], a redirect of the router); any other
// error is logged and answered by 500 without its text.
func Default(w http.ResponseWriter, r *http.Request, err error) {
	var h http.Handler
	if errors.As(err, &h) {
		h.ServeHTTP(w, r)
		return
	}
	slog.ErrorContext(r.Context(), "unanswered error", "method", r.Method, "path", r.URL.Path, "err", err)
	InternalServerError.ServeHTTP(w, r)
}
