package httperror

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync/atomic"

	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// Responder answers the request r, which failed with err. [From] returns the error to show, and
// [Error.WriteHeader] writes everything but the body. A Responder passes an error that it does not
// want to [Respond], which passes it to the outer Responder and finally to [Default].
type Responder func(w http.ResponseWriter, r *http.Request, err error)

// Wrap returns a handler that answers as next does, except that f answers failures. It is a
// middleware.
func (f Responder) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requestcopy.Serve(next, w, WithResponder(r, f), r)
	})
}

type responderKey struct{}

// responder is a context with a Responder, and the outer responder.
type responder struct {
	context.Context
	answer Responder
	outer  *responder
	// busy says that it is answering already: if it calls Respond, the outer
	// responder must answer.
	busy atomic.Bool
}

func (c *responder) Value(key any) any {
	if key == (responderKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// WithResponder returns a copy of r. f answers its failures: an application's
// own pages, or the debugger's.
func WithResponder(r *http.Request, f Responder) *http.Request {
	outer, _ := r.Context().Value(responderKey{}).(*responder)
	return r.WithContext(&responder{Context: r.Context(), answer: f, outer: outer})
}

// Respond answers r with err: through the innermost [Responder] of r that is not answering
// already, or by [Default]. A nil err is answered with 500, since there must be a response.
func Respond(w http.ResponseWriter, r *http.Request, err error) {
	err = some(err)
	at, _ := r.Context().Value(responderKey{}).(*responder)
	for ; at != nil; at = at.outer {
		if at.busy.CompareAndSwap(false, true) {
			defer at.busy.Store(false)
			at.answer(w, r, err)
			return
		}
	}
	Default(w, r, err)
}

// Default answers r without any Responder, with the page of the error that [From] finds in err. If
// err sends a response of its own, such as a redirect of the router, that is the response. It logs
// the cause of an error with the request (see [Log]). If the header has been sent already, as far
// as w says, it only logs.
func Default(w http.ResponseWriter, r *http.Request, err error) { answer(w, r, err, (*Error).serve) }

// answer lets err send its own response, or calls serve with the error that [From] finds in it.
func answer(w http.ResponseWriter, r *http.Request, err error, serve func(*Error, http.ResponseWriter, *http.Request)) {
	err = some(err)
	e, ok := from(err)
	if !ok {
		handlerOf(err).ServeHTTP(w, r)
		return
	}
	log(r, &e, err)
	if !sent(w) {
		serve(&e, w, r)
	}
}

// From returns the error that a client is shown for err, with everything filled in:
//
//   - a copy of the first [Error] in its tree, or an Error of the first [Code];
//   - 413 for an [http.MaxBytesError];
//   - 500 with err as the cause for any other error, and one for nil.
//
// It reports false for an error that sends a response of its own: one whose
// first [http.Handler] is neither an Error nor a Code.
func From(err error) (*Error, bool) {
	e, ok := from(some(err))
	if !ok {
		return nil, false
	}
	e.Header, e.Members = e.Header.Clone(), maps.Clone(e.Members)
	return &e, true
}

// from returns From's result as a value, with the header of the error itself.
func from(err error) (e Error, ok bool) {
	switch answer := handlerOf(err).(type) {
	case *Error:
		e = *answer
	case Code:
		e.Code = answer
	case nil:
		e = Error{Code: InternalServerError, Err: err}
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			e.Code = ContentTooLarge
		}
	default:
		return e, false
	}
	if !e.Code.valid() {
		// A mistake of the application: no such status can be sent as an error.
		e = Error{Code: InternalServerError, Err: err}
	}
	if e.Description == "" {
		e.Description = e.Code.Description()
	}
	return e, true
}

var errNil = errors.New("a nil error was to be answered")

// some returns err, or another error if err is nil or a nil *Error.
func some(err error) error {
	if e, ok := err.(*Error); err == nil || ok && e == nil {
		return errNil
	}
	return err
}

// handlerOf returns the first error in err's tree that is an [http.Handler].
func handlerOf(err error) http.Handler {
	h, ok := errors.AsType[answering](err)
	if !ok {
		return nil
	}
	return h
}

type answering interface {
	error
	http.Handler
}

// CodeOf returns the code that err is answered with: 0 for nil and for an error
// that sends a response of its own.
func CodeOf(err error) Code {
	if err == nil {
		return 0
	}
	e, ok := From(err)
	if !ok {
		return 0
	}
	return e.Code
}

// Log writes an error to the logger of the server, or [slog.Default], with the request that it
// belongs to: a failure of the server at level Error, the cause of a client's failure at level
// Info. An HTTP error that a client caused is not logged if it has no cause. If the client has
// gone, nothing is logged. An error that was logged is not logged again: it, or an error in its
// tree, says so by a method Logged() bool that returns true.
func Log(r *http.Request, err error) {
	err = some(err)
	if e, ok := from(err); ok {
		log(r, &e, err)
	}
}

// log is Log for the error that [From] found in err.
func log(r *http.Request, e *Error, err error) {
	if e.Err == nil && e.Code < 500 {
		return
	}
	var known interface{ Logged() bool }
	if errors.As(err, &known) && known.Logged() {
		return
	}
	level := slog.LevelInfo
	if e.Code >= 500 && !errors.Is(err, context.Canceled) {
		level = slog.LevelError
	}
	serverlog.From(r.Context()).LogAttrs(r.Context(), level, "request failed",
		slog.String("method", r.Method), slog.String("host", r.Host), slog.String("path", r.URL.Path),
		slog.Int("status", int(e.Code)), slog.Any("err", err))
}

// sent reports whether a header has been sent through w, as far as w can tell:
// writers that wrap others report it by one of these methods.
func sent(w http.ResponseWriter) bool {
	for w != nil {
		switch t := w.(type) {
		case interface{ Written() bool }:
			return t.Written()
		case interface{ Status() int }:
			return t.Status() != 0
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
	return false
}
