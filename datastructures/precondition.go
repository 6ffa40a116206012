package datastructures

import (
	"net/http"
	"strings"
	"time"

	"github.com/zeugkit/zeug/httperror"
)

// Preconditions are the headers by which a client makes its request depend on
// the state of the resource (RFC 9110, section 13.1).
type Preconditions struct {
	IfMatch           ETags
	IfNoneMatch       ETags
	IfModifiedSince   time.Time
	IfUnmodifiedSince time.Time
}

// ParsePreconditions reads them from a request's header. Dates that are none
// are ignored; a list of tags that has none is a list all the same, so that
// If-Match without a tag never lets a change pass, and no date is asked in its
// place (RFC 9110, sections 13.1.1 to 13.1.4).
func ParsePreconditions(h http.Header) Preconditions {
	var p Preconditions
	p.IfMatch = sentETags(h["If-Match"])
	p.IfNoneMatch = sentETags(h["If-None-Match"])
	if value := h.Get("If-Modified-Since"); value != "" {
		p.IfModifiedSince, _ = ParseDate(value)
	}
	if value := h.Get("If-Unmodified-Since"); value != "" {
		p.IfUnmodifiedSince, _ = ParseDate(value)
	}
	return p
}

// sentETags reads the lines of a field.
func sentETags(lines []string) ETags {
	if len(lines) == 0 {
		return ETags{}
	}
	e := ParseETags(strings.Join(lines, ","))
	if e.IsZero() {
		e.tags = noTags // it was sent all the same
	}
	return e
}

// IsZero reports whether the client set no conditions.
func (p Preconditions) IsZero() bool {
	return p.IfMatch.IsZero() && p.IfNoneMatch.IsZero() && p.IfModifiedSince.IsZero() && p.IfUnmodifiedSince.IsZero()
}

// State is what is known of a resource: its tag and when it was last changed,
// either of which may be zero.
type State struct {
	ETag     ETag
	Modified time.Time
	// Missing says that there is no such resource yet: no "*" matches it.
	Missing bool
}

// Evaluate says what to answer to a request of this method on a resource in this
// state (RFC 9110, section 13.2.2): 0 to go on, [http.StatusNotModified] or
// [http.StatusPreconditionFailed]. If-Match goes before If-Unmodified-Since, and
// If-None-Match before If-Modified-Since, which is for GET and HEAD alone. A date
// is ignored where the resource has none; so is If-None-Match where a GET or HEAD
// meets a resource without a tag, and its date decides, as Werkzeug does.
func (p Preconditions) Evaluate(method string, s State) int {
	if !p.mayChange(s) {
		return http.StatusPreconditionFailed
	}
	read := method == http.MethodGet || method == http.MethodHead
	switch {
	case !read:
		if p.hasIt(s) {
			return http.StatusPreconditionFailed
		}
	case !p.IfNoneMatch.IsZero() && !s.ETag.IsZero():
		if p.hasIt(s) {
			return http.StatusNotModified
		}
	case !p.IfModifiedSince.IsZero() && !s.Modified.IsZero():
		if !s.modifiedAfter(p.IfModifiedSince) {
			return http.StatusNotModified
		}
	}
	return 0
}

// mayChange is the condition that the client still knows the current state.
func (p Preconditions) mayChange(s State) bool {
	if p.IfMatch.Star() {
		return !s.Missing
	}
	if !p.IfMatch.IsZero() {
		return !s.Missing && !s.ETag.IsZero() && p.IfMatch.StrongMatch(s.ETag)
	}
	return p.IfUnmodifiedSince.IsZero() || s.Modified.IsZero() || !s.modifiedAfter(p.IfUnmodifiedSince)
}

// hasIt reports whether the state is one that the client excludes.
func (p Preconditions) hasIt(s State) bool {
	if s.Missing || p.IfNoneMatch.IsZero() {
		return false
	}
	return p.IfNoneMatch.Star() || !s.ETag.IsZero() && p.IfNoneMatch.WeakMatch(s.ETag)
}

// modifiedAfter compares in whole seconds, as the header has them.
func (s State) modifiedAfter(t time.Time) bool {
	return s.Modified.Unix() > t.Unix()
}

// Check is [Preconditions.Evaluate] for a handler that changes the resource: its
// error answers 412.
//
//	if err := req.Preconditions().Check(req.Method, state); err != nil {
//		return nil, err
//	}
func (p Preconditions) Check(method string, s State) error {
	if p.Evaluate(method, s) == http.StatusPreconditionFailed {
		return httperror.PreconditionFailed
	}
	return nil
}
