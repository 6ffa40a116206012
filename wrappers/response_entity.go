package wrappers

import (
	"net/http"
	"slices"
	"strings"
)

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

// removeEntityHeaders leaves of them what belongs into a 304 (RFC 9110, section
// 15.4.5): Content-Location and Expires, and Last-Modified where there is no
// ETag to identify the version by. Orders to send a file go too.
func removeEntityHeaders(h http.Header) {
	_, tagged := h["Etag"]
	for name := range h { // they are fewer than those that might be there
		switch name {
		case "Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Md5", "Content-Range":
			delete(h, name)
		case "X-Sendfile", "X-Accel-Redirect":
			// They would have a server in front send the body after all.
			delete(h, name)
		case "Last-Modified":
			if tagged {
				delete(h, name)
			}
		}
	}
}
