// Package httperror holds errors that answer the request that caused them.
//
// A [Code] is an HTTP status that is both an error and an [net/http.Handler],
// as a syscall.Errno is an error: return it, wrap it with %w, ask for it with
// errors.Is, or serve it. An [Error] adds details: a description for the client,
// a cause for the log, never the other way round.
//
// [Respond] is the one place where an error becomes an answer. An application
// that has pages of its own sets a [Responder], once, around all of its
// handlers:
//
//	app = httperror.Responder(pages).Wrap(app)
//
// Without one [Default] answers, in HTML or as a problem of RFC 9457 in JSON,
// whichever the client accepts.
package httperror
