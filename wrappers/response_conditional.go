package wrappers

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
)

// MakeConditional makes the response evaluate the conditions of the GET and
// HEAD requests for which it is served, and returns it. It compares the
// conditions with the response's own ETag and Last-Modified
// ([Response.AddETag], [Response.SetLastModified]):
//
//   - 304 without a body if the client has this version: If-None-Match, or otherwise
//     If-Modified-Since;
//   - 412 if the client asks for another version: If-Match, or otherwise If-Unmodified-Since. A
//     body in memory is kept, as the current version;
//   - 206 with one range, or several as multipart/byteranges, if the size of the body is known.
//     If-Range is evaluated. It is 416 with the size if no range has a byte. Other units, malformed
//     ranges, and too many overlapping ranges get the whole body (RFC 9110, section 14.2).
//     Accept-Ranges announces that. If it is set to something else than "bytes", ranges are not
//     served.
//
// The order is that of RFC 9110, section 13.2.2. If there is no ETag, If-Match
// and If-None-Match are ignored. If Status is not 2xx, all conditions are
// ignored, and if it is not 200, so are ranges.
//
// If X-Sendfile or X-Accel-Redirect makes a server in front send the body,
// ranges are left to that server. With X-Accel-Redirect, so are If-Match and
// If-Unmodified-Since: nginx sends its own ETag, which clients then send back.
//
// The conditions are evaluated each time the Response is served; the Response
// itself does not change. For requests that change something, see
// [CheckPreconditions].
func (resp *Response) MakeConditional() *Response {
	resp.conditional = true
	return resp
}

// ranged reports whether ranges of the body are served.
func (resp *Response) ranged() bool {
	if resp.size() < 0 || resp.status() != http.StatusOK || resp.header["X-Sendfile"] != nil || resp.header["X-Accel-Redirect"] != nil {
		return false
	}
	unit, given := resp.header["Accept-Ranges"]
	return !given || len(unit) == 1 && unit[0] == "bytes"
}

// state returns the version of the response.
func (resp *Response) state() (s datastructures.State) {
	s.ETag = resp.ETag()
	s.Modified = resp.date("Last-Modified")
	return s
}

// decide turns the response into a 304, 412 or 206 if the request's conditions
// ask for that. The error is a 412 or 416, which has its own page.
func (resp *Response) decide(a *answer, r *http.Request) error {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !read || a.status < 200 || a.status > 299 {
		return nil
	}
	asked := first(r.Header, "Range")
	if r.Method == http.MethodHead {
		asked = "" // RFC 9110, section 14.2: ranges are for GET only
	}
	if asked == "" && !isConditional(r.Header) {
		return nil
	}
	conditions := datastructures.ParsePreconditions(r.Header)
	state := resp.state()
	if state.ETag == (datastructures.ETag{}) && r.Header["If-Match"] != nil {
		conditions.IfMatch = datastructures.ETags{}
		asked = "" // a part of another version would mix the two
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
	if asked == "" || a.size <= 0 || !resp.ranged() || !allowsRange(r.Header, state) {
		return nil
	}
	spans, unsatisfiable := parseRanges(asked, a.size)
	switch {
	case unsatisfiable:
		return &httperror.Error{
			Code:   httperror.RangeNotSatisfiable,
			Header: http.Header{"Content-Range": {datastructures.ContentRange{Unit: "bytes", Length: a.size, Unsatisfied: true}.String()}},
		}
	case spans == nil, len(spans) > 1 && !resp.seekable() && !inOrder(spans):
		return nil
	}
	a.status = http.StatusPartialContent
	a.parts, a.size = newParts(spans, a.size, resp.ContentType())
	return nil
}

// allowsRange evaluates If-Range: ranges are served only if the client has the other parts of the
// same version. If a field is empty, or comes twice, its condition is false: sending the whole body
// is never wrong.
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

// ETag returns the entity tag: the name of this version of the body. The zero ETag means that there
// is no entity tag.
func (resp *Response) ETag() datastructures.ETag {
	tag, _ := datastructures.ParseETag(first(resp.header, "Etag"))
	return tag
}

// SetETag sets the entity tag; the zero ETag removes it. It returns an error if
// the tag has a quote, a space or a control character.
func (resp *Response) SetETag(tag datastructures.ETag) error {
	if tag == (datastructures.ETag{}) {
		delete(resp.Header(), "Etag")
		return nil
	}
	for i := range len(tag.Value) {
		if c := tag.Value[i]; c <= ' ' || c == '"' || c == 0x7f {
			return fmt.Errorf("%w: etag %q: the character %q is not allowed", errInvalidHeader, tag.Value, c)
		}
	}
	resp.Header()["Etag"] = []string{tag.String()}
	return nil
}

// AddETag gives the response a strong ETag made from its body, unless it has one. A body that is
// not in memory is read into memory. If the body is changed later, that ETag is removed, because
// clients would keep the old body: add it again.
func (resp *Response) AddETag() error {
	if resp.ETag() != (datastructures.ETag{}) || resp.isUnseen() {
		return nil
	}
	body, err := resp.Bytes()
	if err != nil {
		return err
	}
	tag := datastructures.NewETag(body)
	resp.tag = tag.String()
	return resp.SetETag(tag)
}

// forgetTag removes the ETag that was made from an earlier body, and no other ETag.
func (resp *Response) forgetTag() {
	if resp.tag == "" {
		return
	}
	if first(resp.header, "Etag") == resp.tag {
		delete(resp.header, "Etag")
	}
	resp.tag = ""
}

// Buffer reads the body into memory and sets Content-Length and, unless there
// is one, an ETag. The response can then be kept and served any number of
// times.
func (resp *Response) Buffer() error {
	if _, err := resp.Bytes(); err != nil {
		return err
	}
	if n := resp.size(); n >= 0 {
		resp.Header()["Content-Length"] = []string{strconv.FormatInt(n, 10)}
	}
	return resp.AddETag()
}

// CheckPreconditions evaluates the request's If-Match, If-Unmodified-Since, If-None-Match and
// If-Modified-Since against the state of the resource, in the order of RFC 9110, section 13.2.2.
// Call it before you make a change, or before you prepare a response that the client may already
// have:
//
//	if err := wrappers.CheckPreconditions(req.Request, state); err != nil {
//		return nil, err
//	}
//
// The error is a 412 (httperror.PreconditionFailed) if the request must not be performed, and a 304
// if a GET or HEAD asks for a version that the client already has.
func CheckPreconditions(r *http.Request, state datastructures.State) error {
	switch datastructures.ParsePreconditions(r.Header).Evaluate(r.Method, state) {
	case http.StatusPreconditionFailed:
		return httperror.PreconditionFailed
	case http.StatusNotModified:
		return &notModified{state}
	}
	return nil
}

// notModified is the response that says that the client has the current version
// (304). It is an error so that a view can return it as one.
type notModified struct{ State datastructures.State }

// Error says that the resource was not modified.
func (*notModified) Error() string { return "304 Not Modified" }

// ServeHTTP sends the status with the ETag, or otherwise with Last-Modified.
func (n *notModified) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	removeEntityHeaders(h)
	if n.State.ETag != (datastructures.ETag{}) {
		h["Etag"] = []string{n.State.ETag.String()}
	} else if !n.State.Modified.IsZero() {
		h["Last-Modified"] = []string{datastructures.FormatDate(n.State.Modified)}
	}
	w.WriteHeader(http.StatusNotModified)
}

// isConditional reports whether a request has preconditions.
func isConditional(h http.Header) bool {
	return h["If-Match"] != nil || h["If-None-Match"] != nil || h["If-Modified-Since"] != nil || h["If-Unmodified-Since"] != nil
}
