// Package middleware holds handlers around handlers, one file each. The
// settings of a middleware are the middleware: a struct whose zero value is
// safe, with a method Wrap of the type [Middleware].
package middleware

import "net/http"

// Middleware wraps a handler in another one. It is an alias, so that chi's,
// gorilla's and everybody's middlewares are ours.
type Middleware = func(http.Handler) http.Handler

// Chain returns a Middleware that applies all of ms; the first is outermost
// and sees the request first.
func Chain(ms ...Middleware) Middleware {
	return func(h http.Handler) http.Handler {
		for i := len(ms) - 1; i >= 0; i-- {
			h = ms[i](h)
		}
		return h
	}
}
