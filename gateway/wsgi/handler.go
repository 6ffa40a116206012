package wsgi

import (
	"context"
	"errors"
	"html"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

// retries is how many more workers get a request that was lost with its worker.
const retries = 2

// ServeHTTP passes a request to the application and its response to the client. The request's
// responder (package httperror) answers an exception with 500, and a request for which there is no
// worker with 503.
func (a *Application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := a.config.takeBody(r)
	defer b.release()
	if err != nil {
		a.fail(w, r, err)
		return
	}
	t := newTicket(a.pool.last.Add(1))
	defer t.release()
	if t.frame, err = appendRequest(t.frame, t.number, r, b); err != nil {
		a.fail(w, r, malformed(err))
		return
	}
	for try := 0; ; try++ {
		x := &exchange{application: a, ticket: t, w: w, r: r, body: b}
		err := x.run()
		switch {
		case err == nil, x.gone:
			return // a client that has left cannot mistake it for the whole response
		case x.begun:
			panic(http.ErrAbortHandler) // the client must not mistake it for the whole response
		case try < retries && r.Context().Err() == nil && a.mayRetry(r, b, err):
			continue
		}
		a.fail(w, r, err)
		return
	}
}

// malformed returns the error, with its status, for a request that cannot be passed on.
func malformed(err error) error {
	if errors.Is(err, errVariables) {
		return httperror.Wrap(httperror.RequestHeaderFieldsTooLarge, err)
	}
	return httperror.Wrap(httperror.BadRequest, err)
}

// mayRetry reports whether a request that was lost with its worker may be sent
// again. The pool sends a request again that the worker had not read.
func (a *Application) mayRetry(r *http.Request, b *body, err error) bool {
	if lost := (*lostError)(nil); !errors.As(err, &lost) {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return a.config.RetryIdempotent && b.complete
	}
	return false
}

// lostError is the end of a worker during a request.
type lostError struct{ cause error }

func (l *lostError) Error() string {
	return "wsgi: the worker ended before it answered: " + l.cause.Error()
}

func (l *lostError) Unwrap() error { return l.cause }

// unavailable returns the error, with its status, for a request that got no worker.
func unavailable(err error) error {
	if lost := (*lostError)(nil); errors.As(err, &lost) {
		return httperror.Wrap(httperror.BadGateway, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return httperror.Wrap(httperror.ServiceUnavailable, err).RetryAfter(time.Second)
}

func (a *Application) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		w.WriteHeader(statusClientClosed) // for the access log: the client has gone
		return
	}
	if traceback := (*Traceback)(nil); a.config.Debug && errors.As(err, &traceback) {
		httperror.Log(r, err)
		traceback.serve(w)
		return
	}
	httperror.Respond(w, r, err)
}

// statusClientClosed is nginx's code for a client that left before its response.
const statusClientClosed = 499

// serve is the page of Config.Debug.
func (t *Traceback) serve(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusInternalServerError)
	text := html.EscapeString(t.exception())
	w.Write([]byte("<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n<title>" + text + "</title>\n" +
		"<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:72rem;padding:1rem}" +
		"h1{font-size:1.3rem}pre{overflow:auto;font:13px/1.45 ui-monospace,monospace}</style>\n" +
		"<h1>" + text + "</h1>\n<pre>" + html.EscapeString(t.Text) + "</pre>\n"))
}
