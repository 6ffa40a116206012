package wrappers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/internal/httplex"
)

// errInvalidHeader is the error of a header field that is not valid: its name is not a token, or
// its value has a control character. A line break would end the field and let the rest of the value
// become another field (RFC 9110, section 5.5).
var errInvalidHeader = errors.New("header field cannot be sent")

// checkField reports a field that cannot be sent.
func checkField(name, value string) error {
	if !httplex.IsFieldValue(value) {
		return fmt.Errorf("%w: %s has a control character in its value %q", errInvalidHeader, name, value)
	}
	if !httplex.IsToken(name) {
		return fmt.Errorf("%w: the name %q is not a token", errInvalidHeader, name)
	}
	return nil
}

// Set makes value the only one of the field, as Header().Set does, and returns
// an error if the field cannot be sent. The types and functions of package datastructures make the
// values of structured fields:
//
//	resp.Set("Expires", datastructures.FormatDate(t))
//	resp.Set("Age", datastructures.FormatAge(d))
//	resp.Set("Allow", datastructures.HeaderSet{"GET", "HEAD"}.String())
//	resp.Set("Content-Range", contentRange.String())
//	resp.Set("Content-Security-Policy", policy.String())
//
// Location and Content-Location may be IRIs, see [Response.SetLocation].
func (resp *Response) Set(name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	resp.Header().Set(name, value)
	return nil
}

// Add appends a line to the field, as Header().Add does; it returns the same
// errors as [Response.Set]. A response 401 has one line of WWW-Authenticate for each challenge.
func (resp *Response) Add(name, value string) error {
	if err := checkField(name, value); err != nil {
		return err
	}
	resp.Header().Add(name, value)
	return nil
}

// setOrDelete sets a field that is known to be sendable; an empty value
// removes it.
func (resp *Response) setOrDelete(name, value string) {
	if value == "" {
		delete(resp.Header(), http.CanonicalHeaderKey(name))
		return
	}
	resp.Header().Set(name, value)
}

// AddVary adds the names of request fields on which the response depends. They
// are added to the names in Vary; each is listed once, whatever its case, and
// "*" replaces all.
func (resp *Response) AddVary(fields ...string) error {
	set := resp.list("Vary")
	set.Add(fields...)
	if set.Has("*") {
		set = datastructures.HeaderSet{"*"}
	}
	return resp.setList("Vary", set)
}

// list returns the names of a list field, of all its lines.
func (resp *Response) list(name string) datastructures.HeaderSet {
	return datastructures.ParseHeaderSet(strings.Join(resp.header[name], ", "))
}

// setList sets a list of tokens; an empty one removes the field.
func (resp *Response) setList(name string, set datastructures.HeaderSet) error {
	for _, item := range set {
		if !httplex.IsToken(item) {
			return fmt.Errorf("%w: %q in %s is not a token", errInvalidHeader, item, name)
		}
	}
	resp.setOrDelete(name, set.String())
	return nil
}

// SetLastModified says when the body was last changed, truncated to the second.
// [Response.MakeConditional] compares it. The zero time removes the field.
func (resp *Response) SetLastModified(t time.Time) { resp.setDate("Last-Modified", t) }

// SetRetryAfter says how long to wait before the next request (429, 503, or a
// redirect): whole seconds, rounded up.
func (resp *Response) SetRetryAfter(d time.Duration) {
	seconds := (max(d, 0) + time.Second - 1) / time.Second
	resp.Header()["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
}

func (resp *Response) date(name string) time.Time {
	t, _ := datastructures.ParseDate(first(resp.header, name))
	return t
}

func (resp *Response) setDate(name string, t time.Time) {
	if t.IsZero() {
		delete(resp.Header(), name)
		return
	}
	resp.Header()[name] = []string{datastructures.FormatDate(t)}
}

// The media types of the constructors.
const (
	typeText = "text/plain; charset=utf-8"
	typeHTML = "text/html; charset=utf-8"
	typeJSON = "application/json"
)

// ContentType returns the media type of the body with its parameters.
func (resp *Response) ContentType() string {
	if resp.header == nil {
		return resp.contentType[0]
	}
	return first(resp.header, "Content-Type")
}

// SetContentType sets the media type, as [NewResponse] does; "" removes it, and
// a body is then sent as plain text.
func (resp *Response) SetContentType(contentType string) error {
	if contentType == "" {
		delete(resp.Header(), "Content-Type")
		return nil
	}
	return resp.Set("Content-Type", withCharset(contentType))
}

// withCharset adds UTF-8, the charset of Go's strings, to a media type that is
// text and names no charset.
func withCharset(contentType string) string {
	if strings.Contains(contentType, ";") {
		return contentType
	}
	switch essence := strings.ToLower(strings.TrimSpace(contentType)); {
	case strings.HasPrefix(essence, "text/"), strings.HasSuffix(essence, "+xml"):
	case essence == "application/javascript", essence == "application/ecmascript", essence == "application/sql",
		essence == "application/xml", essence == "application/xml-dtd",
		essence == "application/xml-external-parsed-entity":
	default:
		return contentType
	}
	return contentType + "; charset=utf-8"
}

// CacheControl returns the directives of Cache-Control as a value. To apply
// changes to it, call [Response.SetCacheControl].
func (resp *Response) CacheControl() datastructures.ResponseCacheControl {
	return datastructures.ParseResponseCacheControl(strings.Join(resp.header["Cache-Control"], ", "))
}

// SetCacheControl sets Cache-Control; if there is no directive, the field is removed.
func (resp *Response) SetCacheControl(cc datastructures.ResponseCacheControl) error {
	return resp.setStructured("Cache-Control", cc.String())
}

// setStructured sets a field to a string that may turn out to be invalid; an
// empty one removes it.
func (resp *Response) setStructured(name, value string) error {
	if value == "" {
		delete(resp.Header(), name)
		return nil
	}
	return resp.Set(name, value)
}

// entityHeaders are the fields that describe a body (Werkzeug's list, from
// RFC 2616, section 7.1).
var entityHeaders = []string{
	"Allow", "Content-Encoding", "Content-Language", "Content-Length", "Content-Location",
	"Content-Md5", "Content-Range", "Content-Type", "Expires", "Last-Modified",
}

// RemoveEntityHeaders removes the fields that describe a body: Allow,
// Content-Encoding, -Language, -Length, -Location, -MD5, -Range, -Type, Expires
// and Last-Modified, except those named in keep.
func RemoveEntityHeaders(h http.Header, keep ...string) {
	for _, name := range entityHeaders {
		kept := func(other string) bool { return strings.EqualFold(name, other) }
		if !slices.ContainsFunc(keep, kept) {
			delete(h, name)
		}
	}
}

// removeEntityHeaders keeps only the ones that belong in a 304 (RFC 9110,
// section 15.4.5): Content-Location and Expires, and also Last-Modified if
// there is no ETag that identifies the version. Fields that make a server in
// front send a file are removed too.
func removeEntityHeaders(h http.Header) {
	_, tagged := h["Etag"]
	for name := range h { // the header has fewer fields than there are in the list
		switch name {
		case "Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Md5", "Content-Range":
			delete(h, name)
		case "X-Sendfile", "X-Accel-Redirect":
			// With them, a server in front would send the body after all.
			delete(h, name)
		case "Last-Modified":
			if tagged {
				delete(h, name)
			}
		}
	}
}
