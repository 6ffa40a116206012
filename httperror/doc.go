// Package httperror holds errors that answer the request that caused them.
//
// A [Code] is an HTTP status that is both an error and an [net/http.Handler],
// as a syscall.Errno is an error: return it, wrap it with %w, look for it with
// errors.Is, or serve it. An [Error] adds details: a description for the
// client, a cause for the log; the client never sees the cause.
//
// [Respond] is the one place where an error becomes a response. An application
// that has error pages of its own sets a [Responder] once, around all of its
// handlers:
//
//	app = httperror.Responder(pages).Wrap(app)
//
// Without a Responder, [Default] answers, in HTML or as a problem of RFC 9457
// in JSON, whichever the client accepts.
package httperror
