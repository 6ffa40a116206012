package routing

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/httperror"
)

// What Match returns in the place of a match. Each of these errors answers the
// request for itself, being an [http.Handler] or holding one that
// [httperror.Respond] finds; where nothing matches, the error is
// [httperror.NotFound].

// Redirect says that the URL has a better spelling, or that its rule redirects.
// It is an error because the request was not matched, and a handler because it
// knows the answer.
type Redirect struct {
	// Code is the status: 308, which keeps the method and the body.
	Code int
	// Location is what is sent: a path on the same host, which no proxy can
	// make wrong, or else a URL.
	Location string

	url string
}

// URL returns the target with scheme and host.
func (e *Redirect) URL() string { return e.url }

// Error names the target.
func (e *Redirect) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Code, http.StatusText(e.Code), e.url)
}

// ServeHTTP redirects.
func (e *Redirect) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Location", e.Location)
	h.Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(e.Code)
	if r.Method != http.MethodHead {
		target := html.EscapeString(e.Location)
		io.WriteString(w, "<!doctype html>\n<html lang=en>\n<title>"+http.StatusText(e.Code)+
			"</title>\n<p>See <a href=\""+target+"\">"+target+"</a>.</p>\n")
	}
}

// MethodNotAllowed says that the path is there but not for this method. One
// value serves many requests: do not change it.
type MethodNotAllowed struct {
	// Allow are the methods that the path has, sorted.
	Allow []string

	// options says that it is the answer to OPTIONS.
	options bool
}

// Error names the methods there are.
func (e *MethodNotAllowed) Error() string {
	return httperror.MethodNotAllowed.Error() + ": there are " + e.header()
}

func (e *MethodNotAllowed) header() string { return strings.Join(e.Allow, ", ") }

// Unwrap returns the error as an [httperror.Error] with the Allow header.
func (e *MethodNotAllowed) Unwrap() error {
	return &httperror.Error{Code: httperror.MethodNotAllowed, Header: http.Header{"Allow": {e.header()}}}
}

// ServeHTTP answers with 405 and Allow, and OPTIONS with 204 if
// [Options].AnswerOptions is set.
func (e *MethodNotAllowed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if e.options {
		w.Header().Set("Allow", e.header())
		w.WriteHeader(http.StatusNoContent)
		return
	}
	e.Unwrap().(*httperror.Error).ServeHTTP(w, r)
}

// ErrWebSocketMismatch says that the path is there for WebSockets only, or for
// anything else only. It answers with 400.
var ErrWebSocketMismatch error = fmt.Errorf("routing: %w", webSocketMismatch{})

type webSocketMismatch struct{}

func (webSocketMismatch) Error() string { return "a WebSocket is expected here, or is not" }
func (webSocketMismatch) Unwrap() error { return httperror.BadRequest }

// errHost says that the request's host is none. It answers with 400.
var errHost error = &httperror.Error{Code: httperror.BadRequest, Err: errors.New("the Host is no host name")}
