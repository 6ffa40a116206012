package datastructures

import (
	"net/http"
	"strings"
	"time"
)

// Preconditions are the headers by which a client makes its request depend on
// the state of the resource (RFC 9110, section 13.1).
type Preconditions struct {
	IfMatch           ETags
	IfNoneMatch       ETags
	IfModifiedSince   time.Time
	IfUnmodifiedSince time.Time
}

// ParsePreconditions reads them from a request's header. Dates that are not valid are ignored. A
// list without a valid tag is still a list, so that If-Match never lets a change pass, and the date
// is not used in its place (RFC 9110, sections 13.1.1 to 13.1.4).
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
	if !e.sent() {
		e.Tags = noTags // the field was sent all the same
	}
	return e
}

// State is what is known of a resource: its tag, and when it was last changed;
// either may be zero.
type State struct {
	ETag     ETag
	Modified time.Time
	// Missing says that there is no such resource yet: no "*" matches it.
	Missing bool
}

// Evaluate returns the status code for a request of this method on a resource in this state (RFC
// 9110, section 13.2.2): 0 to go on, [http.StatusNotModified] or [http.StatusPreconditionFailed].
// If-Match takes precedence over If-Unmodified-Since, and If-None-Match over If-Modified-Since, which
// is for GET and HEAD only. A date is ignored if the resource has none. So is If-None-Match for a
// GET or HEAD of a resource without a tag; then the date decides, as in Werkzeug.
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
	case p.IfNoneMatch.sent() && s.ETag != (ETag{}):
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
	if p.IfMatch.Star {
		return !s.Missing
	}
	if p.IfMatch.sent() {
		return !s.Missing && s.ETag != (ETag{}) && p.IfMatch.StrongMatch(s.ETag)
	}
	return p.IfUnmodifiedSince.IsZero() || s.Modified.IsZero() || !s.modifiedAfter(p.IfUnmodifiedSince)
}

// hasIt reports whether the current state is among those that the client names.
func (p Preconditions) hasIt(s State) bool {
	if s.Missing || !p.IfNoneMatch.sent() {
		return false
	}
	return p.IfNoneMatch.Star || s.ETag != (ETag{}) && p.IfNoneMatch.WeakMatch(s.ETag)
}

// modifiedAfter compares in whole seconds, like the header.
func (s State) modifiedAfter(t time.Time) bool {
	return s.Modified.Unix() > t.Unix()
}
