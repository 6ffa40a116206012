package routing

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/httperror"
)

// The errors that Match, Build and NewMap return. The errors of Match are an http.Handler or hold
// one, so that httperror.Respond answers with them. If nothing matches, the error is
// httperror.NotFound.

// RedirectError says that the URL has a better spelling, or that its rule redirects. It is an error
// because the request was not matched, and a handler because it can send the redirect.
type RedirectError struct {
	// Code is the status: 308, which keeps the method and the body.
	Code int
	// Location is the value to send. It is a path on the same host if possible, because proxies do
	// not make paths wrong; otherwise it is a URL.
	Location string

	url string
}

// URL returns the target with scheme and host.
func (e *RedirectError) URL() string { return e.url }

// Error names the target.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%d %s: %s", e.Code, http.StatusText(e.Code), e.url)
}

// ServeHTTP redirects.
func (e *RedirectError) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

// MethodNotAllowedError says that the path exists, but not for this method. One value serves many
// requests: do not change it.
type MethodNotAllowedError struct {
	// Allow are the methods that the path has, sorted.
	Allow []string

	header []string // the value of the Allow header, if it has been made
}

// newMethodNotAllowed returns an error that many requests share.
func newMethodNotAllowed(allow []string) *MethodNotAllowedError {
	return &MethodNotAllowedError{Allow: allow, header: []string{strings.Join(allow, ", ")}}
}

// Error names the methods of the path.
func (e *MethodNotAllowedError) Error() string {
	return httperror.MethodNotAllowed.Error() + ": there are " + strings.Join(e.Allow, ", ")
}

// Unwrap returns a new [httperror.Error] of 405 with the Allow header, which is the response.
func (e *MethodNotAllowedError) Unwrap() error {
	// Only errors of a path with several nodes have no header: their methods are a union of sets.
	if e.header == nil {
		return httperror.NotAllowed(e.Allow...)
	}
	return &httperror.Error{Code: httperror.MethodNotAllowed, Header: http.Header{"Allow": e.header}}
}

// optionsResponse is the error and the response for a request that asked which methods the path
// has; see [Options].AutomaticOptions.
type optionsResponse struct {
	// Allow are the methods that the path has, sorted.
	Allow []string
}

// Error names the methods of the path.
func (e *optionsResponse) Error() string { return "the methods are " + strings.Join(e.Allow, ", ") }

// ServeHTTP answers with 204 and Allow.
func (e *optionsResponse) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", strings.Join(e.Allow, ", "))
	w.WriteHeader(http.StatusNoContent)
}

// ErrWebSocketMismatch says that the path is for WebSockets only, or that it is not for
// WebSockets. It answers with 400.
var ErrWebSocketMismatch = fmt.Errorf("routing: a WebSocket is expected here, or is not: %w", httperror.BadRequest)

// errHost says that the host of the request is not valid. It answers with 400.
var errHost = fmt.Errorf("routing: the Host is not a valid host name: %w", httperror.BadRequest)

// BuildError says why a URL cannot be built, and suggests a similar endpoint.
type BuildError struct {
	// Endpoint, Method and Values (names only) are those of the failed build.
	Endpoint, Method string
	Values           []string
	// Suggestion is the endpoint with the most similar name, or Endpoint itself if it exists, or ""
	// if no name is similar. Values and Method decide between names that are equally similar.
	Suggestion string
	// Missing are the names of the values that are missing for its closest rule.
	Missing []string
	// Allowed are that rule's methods, if Method is not among them.
	Allowed []string
	// Err says which value the rule refuses, or which other rule has the URL.
	Err error
}

// Error names all of these.
func (e *BuildError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "routing: no URL for endpoint %q", e.Endpoint)
	if e.Method != "" {
		fmt.Fprintf(&b, " with method %s", e.Method)
	}
	if len(e.Values) > 0 {
		fmt.Fprintf(&b, " with values %s", strings.Join(e.Values, ", "))
	}
	switch {
	case e.Err != nil:
		fmt.Fprintf(&b, ": %v", e.Err)
	case e.Suggestion == "":
		b.WriteString(": the map has none like it")
	case e.Suggestion != e.Endpoint:
		fmt.Fprintf(&b, ": did you mean %q?", e.Suggestion)
	default:
		if len(e.Allowed) > 0 {
			fmt.Fprintf(&b, ": its methods are %s", strings.Join(e.Allowed, ", "))
		}
		if len(e.Missing) > 0 {
			fmt.Fprintf(&b, ": values are missing: %s", strings.Join(e.Missing, ", "))
		}
	}
	return b.String()
}

// Unwrap returns Err.
func (e *BuildError) Unwrap() error { return e.Err }

// RuleError says why a rule is refused.
type RuleError struct {
	// Rule is the rule's path, Where the file and line of its registration.
	Rule, Where string
	// Offset is the offset of the mistake in the path, in bytes; -1 if it is elsewhere.
	Offset int
	// Reason says what is wrong.
	Reason string
}

// Error names the rule, the place in it, and the reason.
func (e *RuleError) Error() string {
	at := ""
	if e.Offset >= 0 {
		at = fmt.Sprintf(" at offset %d", e.Offset)
	}
	return fmt.Sprintf("routing: rule %q%s (%s): %s", e.Rule, at, e.Where, e.Reason)
}
