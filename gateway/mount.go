package gateway

import (
	"net/http"
	"net/url"
	"strings"
)

// Mount returns a copy of r as the application mounted at prefix sees it: the prefix's segments
// leave the front of the URL's path, escaped or not, and are appended to the Origin's RootPath. It
// reports false, and returns r, if the path is not below prefix: "/apix" is not below "/api". If
// the path equals the prefix, "/" is left.
//
// prefix is percent-encoded; slashes at its ends are ignored, and "" and "/"
// remove nothing.
func Mount(r *http.Request, prefix string) (*http.Request, bool) {
	prefix = strings.TrimRight(prefix, "/")
	for strings.HasPrefix(prefix, "//") {
		prefix = prefix[1:]
	}
	if prefix == "" {
		return r, true
	}
	if prefix[0] != '/' {
		prefix = "/" + prefix
	}
	escaped := r.URL.EscapedPath()
	rest, ok := cutSegments(escaped, prefix)
	if !ok {
		return r, false
	}
	root := escaped[:len(escaped)-len(rest)]
	if rest == "" {
		rest = "/"
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return r, false
	}
	m := &mounted{url: *r.URL}
	m.url.Path, m.url.RawPath = path, rest
	if rest == (&url.URL{Path: path}).EscapedPath() {
		m.url.RawPath = "" // as in net/url
	}
	m.state(r, OriginOf(r))
	m.origin.RootPath += root
	c := r.WithContext(&m.stated)
	c.URL = &m.url
	return c, true
}

// mounted is a stated Origin and the URL that goes with it, in one allocation.
type mounted struct {
	stated
	url url.URL
}

// cutSegments removes prefix from the front of path if whole segments are equal after decoding, and
// returns the rest: "" or a string that starts with a slash.
func cutSegments(path, prefix string) (rest string, ok bool) {
	for prefix != "" {
		if path == "" || path[0] != '/' {
			return "", false
		}
		var want, have string
		want, prefix = segment(prefix)
		have, path = segment(path)
		if want != have && !sameDecoded(want, have) {
			return "", false
		}
	}
	return path, true
}

// segment splits "/a/b" into "a" and "/b".
func segment(path string) (first, rest string) {
	path = path[1:]
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

func sameDecoded(a, b string) bool {
	if !strings.Contains(a, "%") && !strings.Contains(b, "%") {
		return false
	}
	x, err := url.PathUnescape(a)
	if err != nil {
		return false
	}
	y, err := url.PathUnescape(b)
	return err == nil && x == y
}
