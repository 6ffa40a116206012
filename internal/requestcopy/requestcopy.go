// Package requestcopy cleans up after copies of requests.
//
// net/http removes the temporary files of an upload when the handler returns, but only those of
// its own request. If a middleware passes a copy on, the inner handler parses the form into the
// copy. The code that makes the copy must then remove the files:
//
//	requestcopy.Serve(next, w, r.WithContext(ctx), r)
package requestcopy

import "net/http"

// RemoveFiles removes the temporary files of the form that was parsed into c, a copy of r. Files
// that r has too are left to the creator of r. Call it when the handler that got c has returned or
// panicked.
func RemoveFiles(c, r *http.Request) {
	if c.MultipartForm != nil && c.MultipartForm != r.MultipartForm {
		// If a file cannot be removed, net/http could not remove it either.
		_ = c.MultipartForm.RemoveAll()
	}
}

// Serve calls h with c, which is a copy of r or r itself, and then removes the
// files of c as [RemoveFiles] does, even if h panics.
func Serve(h http.Handler, w http.ResponseWriter, c, r *http.Request) {
	defer RemoveFiles(c, r)
	h.ServeHTTP(w, c)
}
