package staticfiles

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// XSendfile is for [SendOptions].Offload: the field of Apache's mod_xsendfile, lighttpd and others: the
// path itself, percent-encoded.
func XSendfile(path string) (field, value string, err error) {
	return "X-Sendfile", escapePath(filepath.ToSlash(path)), nil
}

// XAccelRedirect is for [SendOptions].Offload: nginx's field. Files below dir are named by their path
// below the internal location uri:
//
//	location /protected/ { internal; alias /srv/files/; }
//
//	staticfiles.XAccelRedirect("/srv/files", "/protected")
//
// For a file elsewhere it returns an error.
//
// Of the response's fields nginx keeps Content-Type, Content-Disposition, Cache-Control, Expires
// and Set-Cookie; it sends its own ETag and Last-Modified, and evaluates If-Match and
// If-Unmodified-Since. Other fields of the response, most of all X-Content-Type-Options, must be
// set in that location, and so must the Content-Encoding of .svgz files:
//
//	add_header X-Content-Type-Options nosniff;
func XAccelRedirect(dir, uri string) func(path string) (field, value string, err error) {
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
