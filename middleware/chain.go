// Package middleware holds handlers around handlers, one file each. Each
// middleware is a struct with its settings and a method Wrap of the type [Middleware]. The zero
// value of the struct is safe.
package middleware

import (
	"net/http"

	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/timeline"
)

// Middleware wraps a handler in another one. It is an alias, so that middlewares of chi, gorilla
// and others can be used unchanged.
type Middleware = func(http.Handler) http.Handler

// Chain returns a Middleware that applies all of ms; the first is outermost
// and sees the request first.
func Chain(ms ...Middleware) Middleware {
	return func(h http.Handler) http.Handler {
		for i := len(ms) - 1; i >= 0; i-- {
			h = ms[i](h)
			if development.On() {
				h = marked{h, recording.NameOf(ms[i])}
			}
		}
		return h
	}
}

// marked is a middleware with its inner handler. Its time appears on the time line of a request.
type marked struct {
	http.Handler
	name string
}

func (m marked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	span := timeline.Start(r.Context(), "middleware", m.name)
	m.Handler.ServeHTTP(w, r)
	span.End()
}
