package wrappers

import (
	"net/http"
	"slices"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
)

// MakeConditional makes the response answer to the conditions of the GET and
// HEAD requests that it is served to, and returns it. What is compared are its
// own ETag and Last-Modified ([Response.AddETag], [Response.SetLastModified]):
//
//   - 304 without a body where the client has this version: If-None-Match, or
//     else If-Modified-Since;
//   - 412 where it asks for another version: If-Match, or else
//     If-Unmodified-Since. A body in memory is kept, as the current version;
//   - 206 with one range, or several as multipart/byteranges, where the size of
//     the body is known; If-Range is heeded; 416 with the size where no range
//     has a byte. Other units, garbage and overlapping floods of ranges get the
//     whole body (RFC 9110, section 14.2). Accept-Ranges says so, unless it is
//     set to something else than "bytes": then ranges are not served.
//
// The order is that of RFC 9110, section 13.2.2. Without an ETag there is
// nothing that If-Match and If-None-Match could be compared with, and they are
// passed over; as are all conditions where Status is not 2xx, and ranges where
// it is not 200.
//
// Where X-Sendfile or X-Accel-Redirect has a server in front send the body,
// ranges are left to it. With X-Accel-Redirect so are If-Match and
// If-Unmodified-Since: nginx sends an ETag of its own, which clients then name.
//
// The conditions are evaluated each time the Response is served; the Response
// itself does not change. For requests that change something, see
// [CheckPreconditions].
func (resp *Response) MakeConditional() *Response {
	resp.conditional = true
	return resp
}

// acceptBytes is the Accept-Ranges of a body of which ranges are served.
var acceptBytes = []string{"bytes"}

// ranged reports whether ranges of the body are served.
func (resp *Response) ranged() bool {
	if resp.size() < 0 || resp.status() != http.StatusOK || resp.header["X-Sendfile"] != nil || resp.header["X-Accel-Redirect"] != nil {
		return false
	}
	unit, given := resp.header["Accept-Ranges"]
	return !given || slices.Equal(unit, acceptBytes)
}

// state is the version that the response is of.
func (resp *Response) state() (s datastructures.State) {
	s.ETag = resp.ETag()
	s.Modified = resp.LastModified()
	return s
}

// decide turns the answer into a 304, 412 or 206 where the request's conditions
// want that. The error is a 412 or 416 that has its own page.
func (resp *Response) decide(a *answer, r *http.Request) error {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !read || a.status < 200 || a.status > 299 {
		return nil
	}
	ranges := first(r.Header, "Range")
	if r.Method == http.MethodHead {
		ranges = "" // RFC 9110, section 14.2: a range is of GET alone
	}
	conditions := datastructures.ParsePreconditions(r.Header)
	if ranges == "" && conditions.IsZero() {
		return nil
	}
	state := resp.state()
	if state.ETag.IsZero() && !conditions.IfMatch.IsZero() {
		conditions.IfMatch = datastructures.ETags{}
		ranges = "" // a part of what may be another version would mix the two
	}
	if resp.header["X-Accel-Redirect"] != nil {
		conditions.IfMatch, conditions.IfUnmodifiedSince = datastructures.ETags{}, time.Time{}
	}
	switch conditions.Evaluate(r.Method, state) {
	case http.StatusPreconditionFailed:
		a.status = http.StatusPreconditionFailed
		if resp.source != nil {
			return httperror.PreconditionFailed
		}
		return nil
	case http.StatusNotModified:
		a.status, a.size = http.StatusNotModified, -1
		return nil
	}
	if ranges == "" || a.size <= 0 || !resp.ranged() || !allowsRange(r.Header, state) {
		return nil
	}
	spans, unsatisfiable := parseRanges(ranges, a.size)
	switch {
	case unsatisfiable:
		return &httperror.Error{
			Code:   httperror.RangeNotSatisfiable,
			Header: http.Header{"Content-Range": {datastructures.UnsatisfiedRange(a.size).String()}},
		}
	case spans == nil, len(spans) > 1 && !resp.seekable() && !inOrder(spans):
		return nil
	}
	a.status = http.StatusPartialContent
	a.parts, a.size = newParts(spans, a.size, resp.ContentType())
	return nil
}

// allowsRange evaluates If-Range: ranges are served only of the version that the
// client has the rest of. A field that says nothing, or comes twice, is no
// condition that holds: the whole is never wrong.
func allowsRange(h http.Header, state datastructures.State) bool {
	lines := h["If-Range"]
	if len(lines) != 1 {
		return len(lines) == 0
	}
	condition, ok := datastructures.ParseIfRange(lines[0])
	return ok && condition.Match(state.ETag, state.Modified)
}

// seekable reports whether parts of the body can be taken in any order.
func (resp *Response) seekable() bool {
	if resp.source == nil {
		return true
	}
	src, ok := resp.source.(*readerSource)
	return ok && src.seeker != nil
}

// first returns the first value of a field whose name is canonical.
func first(h http.Header, name string) string {
	if values := h[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
