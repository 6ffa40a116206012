package staticfiles

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// Offload tells a server in front to send a file itself: it returns the header field that says so
// for an absolute path. The answer then has no body of its own. A client that already has the file
// gets its 304 here. That server answers ranges.
type Offload func(path string) (field, value string, err error)

// XSendfile is the field of Apache's mod_xsendfile, lighttpd and others: the
// path itself, percent-encoded.
func XSendfile(path string) (field, value string, err error) {
	return "X-Sendfile", escapePath(filepath.ToSlash(path)), nil
}

// XAccelRedirect is nginx's field. Files below dir are named by their place
// below the internal location uri:
//
//	location /protected/ { internal; alias /srv/files/; }
//
//	staticfiles.XAccelRedirect("/srv/files", "/protected")
//
// A file elsewhere is an error.
//
// Of the response's fields nginx keeps Content-Type, Content-Disposition, Cache-Control, Expires
// and Set-Cookie; its ETag and Last-Modified are its own, and If-Match and If-Unmodified-Since are
// left to it. What else an answer has, X-Content-Type-Options above all, goes into that location,
// as does the Content-Encoding of .svgz files:
//
//	add_header X-Content-Type-Options nosniff;
func XAccelRedirect(dir, uri string) Offload {
	return func(path string) (string, string, error) {
		root, err := filepath.Abs(dir)
		if err != nil {
			return "", "", err
		}
		below, err := filepath.Rel(root, path)
		if err != nil || !filepath.IsLocal(below) {
			return "", "", fmt.Errorf("%q is not below %q, which the location %q is for", path, root, uri)
		}
		return "X-Accel-Redirect", strings.TrimRight(uri, "/") + (&url.URL{Path: "/" + filepath.ToSlash(below)}).EscapedPath(), nil
	}
}
