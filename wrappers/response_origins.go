package wrappers

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
)

// CORS says which other origins may read a response
// (https://fetch.spec.whatwg.org/#http-cors-protocol). It only sets fields: the caller decides
// whether the request's Origin is allowed.
type CORS struct {
	// Origin is the origin that may read it: "https://example.org", "null", or "*" for all.
	Origin string
	// Credentials lets the origin read responses to requests with cookies. It
	// cannot be combined with "*".
	Credentials bool
	// Methods and Headers are the ones that a preflight allows for the request.
	Methods, Headers []string
	// Expose are the response's fields that scripts may read, besides the few
	// that are always allowed.
	Expose []string
	// MaxAge is how long a preflight may be kept, in whole seconds; 0 leaves it
	// to the browser (5 seconds).
	MaxAge time.Duration
}

// SetCORS sets the Access-Control fields for which c has values, and removes
// the others. If Origin is a single origin, the response depends on the
// request's origin, and Vary says so.
func (resp *Response) SetCORS(c CORS) error {
	if c.Credentials && (c.Origin == "*" || c.Origin == "") {
		return fmt.Errorf("%w: CORS with credentials needs an origin, not %q", errInvalidHeader, c.Origin)
	}
	if err := checkField("Access-Control-Allow-Origin", c.Origin); err != nil {
		return err
	}
	for _, list := range [][]string{c.Methods, c.Headers, c.Expose} {
		for _, item := range list {
			if !httplex.IsToken(item) {
				return fmt.Errorf("%w: %q in CORS is not a token", errInvalidHeader, item)
			}
		}
	}
	credentials, maxAge := "", ""
	if c.Credentials {
		credentials = "true"
	}
	if c.MaxAge > 0 {
		maxAge = strconv.FormatInt(int64(c.MaxAge/time.Second), 10)
	}
	resp.setOrDelete("Access-Control-Allow-Origin", c.Origin)
	resp.setOrDelete("Access-Control-Allow-Credentials", credentials)
	resp.setOrDelete("Access-Control-Allow-Methods", strings.Join(c.Methods, ", "))
	resp.setOrDelete("Access-Control-Allow-Headers", strings.Join(c.Headers, ", "))
	resp.setOrDelete("Access-Control-Expose-Headers", strings.Join(c.Expose, ", "))
	resp.setOrDelete("Access-Control-Max-Age", maxAge)
	if c.Origin != "" && c.Origin != "*" {
		return resp.AddVary("Origin")
	}
	return nil
}

// SetCrossOriginPolicies sets Cross-Origin-Opener-Policy, Cross-Origin-Embedder-Policy and
// Cross-Origin-Resource-Policy, with which a response is isolated from other origins. An empty policy removes its field.
// The error names a policy that browsers do not know.
//
//	opener     which pages share a group of windows with this one: "unsafe-none",
//	           "same-origin-allow-popups", "same-origin" or "noopener-allow-popups"
//	embedder   what a page may embed of other origins: "unsafe-none", "require-corp" or "credentialless"
//	resource   which pages may embed this response: "same-origin", "same-site" or "cross-origin"
func (resp *Response) SetCrossOriginPolicies(opener, embedder, resource string) error {
	fields := [...]struct {
		name, value string
		known       []string
	}{
		{"Cross-Origin-Opener-Policy", opener, []string{"unsafe-none", "same-origin-allow-popups", "same-origin", "noopener-allow-popups"}},
		{"Cross-Origin-Embedder-Policy", embedder, []string{"unsafe-none", "require-corp", "credentialless"}},
		{"Cross-Origin-Resource-Policy", resource, []string{"same-origin", "same-site", "cross-origin"}},
	}
	for _, f := range fields {
		if f.value != "" && !slices.Contains(f.known, f.value) {
			return fmt.Errorf("%w: %q is not a %s: use %s", errInvalidHeader, f.value, f.name, strings.Join(f.known, ", "))
		}
	}
	for _, f := range fields {
		resp.setOrDelete(f.name, f.value)
	}
	return nil
}
