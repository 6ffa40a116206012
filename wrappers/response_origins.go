package wrappers

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/internal/httplex"
)

// CORS says which other origins may read a response
// (https://fetch.spec.whatwg.org/#http-cors-protocol). It sets fields and
// decides nothing: whether the request's Origin may is the caller's to know.
type CORS struct {
	// Origin may read: "https://example.org", "null", or "*" for all.
	Origin string
	// Credentials lets the origin read what was asked for with cookies. It does
	// not go together with "*".
	Credentials bool
	// Methods and Headers are what a preflight allows of the request.
	Methods, Headers []string
	// Expose are the response's fields that scripts may read, besides the few
	// that they always may.
	Expose []string
	// MaxAge is how long a preflight may be kept, in whole seconds; 0 leaves it
	// to the browser (5 seconds).
	MaxAge time.Duration
}

// SetCORS sets the Access-Control fields, each one that c has, and removes
// those it has not. Where Origin is a single one the response differs by origin,
// and Vary says so.
func (resp *Response) SetCORS(c CORS) error {
	if c.Credentials && (c.Origin == "*" || c.Origin == "") {
		return fmt.Errorf("%w: CORS with credentials needs an origin, not %q", ErrInvalidHeader, c.Origin)
	}
	if err := checkField("Access-Control-Allow-Origin", c.Origin); err != nil {
		return err
	}
	for _, list := range [][]string{c.Methods, c.Headers, c.Expose} {
		for _, item := range list {
			if !httplex.IsToken(item) {
				return fmt.Errorf("%w: %q in CORS is no token", ErrInvalidHeader, item)
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

// OpenerPolicy says which pages share a group of windows with this one.
type OpenerPolicy string

// The values of Cross-Origin-Opener-Policy.
const (
	OpenerUnsafeNone            OpenerPolicy = "unsafe-none"
	OpenerSameOriginAllowPopups OpenerPolicy = "same-origin-allow-popups"
	OpenerSameOrigin            OpenerPolicy = "same-origin"
	OpenerNoopenerAllowPopups   OpenerPolicy = "noopener-allow-popups"
)

// EmbedderPolicy says what a page may embed of other origins.
type EmbedderPolicy string

// The values of Cross-Origin-Embedder-Policy.
const (
	EmbedderUnsafeNone     EmbedderPolicy = "unsafe-none"
	EmbedderRequireCORP    EmbedderPolicy = "require-corp"
	EmbedderCredentialless EmbedderPolicy = "credentialless"
)

// ResourcePolicy says which pages may embed this response.
type ResourcePolicy string

// The values of Cross-Origin-Resource-Policy.
const (
	ResourceSameOrigin  ResourcePolicy = "same-origin"
	ResourceSameSite    ResourcePolicy = "same-site"
	ResourceCrossOrigin ResourcePolicy = "cross-origin"
)

// SetOpenerPolicy sets Cross-Origin-Opener-Policy; "" removes it.
func (resp *Response) SetOpenerPolicy(p OpenerPolicy) {
	resp.setOrDelete("Cross-Origin-Opener-Policy", string(p))
}

// SetEmbedderPolicy sets Cross-Origin-Embedder-Policy; "" removes it.
func (resp *Response) SetEmbedderPolicy(p EmbedderPolicy) {
	resp.setOrDelete("Cross-Origin-Embedder-Policy", string(p))
}

// SetResourcePolicy sets Cross-Origin-Resource-Policy; "" removes it.
func (resp *Response) SetResourcePolicy(p ResourcePolicy) {
	resp.setOrDelete("Cross-Origin-Resource-Policy", string(p))
}
