package wsgi

import (
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/internal/requestcopy"
)

// Normalize returns a handler that passes requests to next with the method and the
// path that a WSGI application sees. Put it around a router that has an application
// as its fallback:
//
//	app := wsgi.Normalize(urls.Fallback(legacy))
//
// A WSGI application gets the path decoded (/cart%2Fgear is /cart/gear) and without
// a fragment, and Python's frameworks treat the method post as POST. A router in Go
// tells these apart. Without Normalize, a request in such a spelling would not match the rule of a
// route that has moved, and would reach the route's old view in Python.
//
// An escaped slash, %2F, is a plain slash for next, as it was for the
// application. Request.RequestURI stays as it is.
func Normalize(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := normalized(r)
		requestcopy.Serve(next, w, c, r)
	})
}

// normalized returns r itself if there is nothing to change.
func normalized(r *http.Request) *http.Request {
	method, path, query := strings.ToUpper(r.Method), path(r), query(r)
	if r.URL.RawPath == "" && method == r.Method && path == r.URL.Path && query == r.URL.RawQuery {
		return r
	}
	c := r.WithContext(r.Context())
	u := *r.URL
	c.Method, c.URL = method, &u
	u.Path, u.RawPath, u.RawQuery = path, "", query
	return c
}
