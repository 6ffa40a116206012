package routing

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/httperror"
)

// What Match returns in the place of a match: errors that are an [http.Handler]
// or hold one, so that [httperror.Respond] answers with them. Where nothing
// matches, the error is [httperror.NotFound].

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

	header []string // the value of the Allow header, if it is made already
}

// newMethodNotAllowed returns the error for many requests.
func newMethodNotAllowed(allow []string) *MethodNotAllowed {
	return &MethodNotAllowed{Allow: allow, header: []string{strings.Join(allow, ", ")}}
}

// Error names the methods there are.
func (e *MethodNotAllowed) Error() string {
	return httperror.MethodNotAllowed.Error() + ": there are " + strings.Join(e.Allow, ", ")
}

// Unwrap returns a new [httperror.Error] of 405 with the Allow header, which is
// what answers.
func (e *MethodNotAllowed) Unwrap() error {
	if e.header == nil {
		return httperror.NotAllowed(e.Allow...)
	}
	return &httperror.Error{Code: httperror.MethodNotAllowed, Header: http.Header{"Allow": e.header}}
}

// OptionsAnswer says that the request asked which methods the path has, and is
// the answer; see [Options].AnswerOptions.
type OptionsAnswer struct {
	// Allow are the methods that the path has, sorted.
	Allow []string
}

// Error names the methods there are.
func (e *OptionsAnswer) Error() string { return "the methods are " + strings.Join(e.Allow, ", ") }

// ServeHTTP answers with 204 and Allow.
func (e *OptionsAnswer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", strings.Join(e.Allow, ", "))
	w.WriteHeader(http.StatusNoContent)
}

// ErrWebSocketMismatch says that the path is there for WebSockets only, or for
// anything else only. It answers with 400.
var ErrWebSocketMismatch = fmt.Errorf("routing: a WebSocket is expected here, or is not: %w", httperror.BadRequest)

// errHost says that the request's host is none. It answers with 400.
var errHost = fmt.Errorf("routing: the Host is no host name: %w", httperror.BadRequest)
