package responsewriter

import "net/http"

// Held reports whether an answer that has begun can still be replaced: a writer
// below, the debugger's, holds it back. A failure then goes to
// httperror.Respond even after the first byte.
func Held(w http.ResponseWriter) bool {
	for {
		switch t := w.(type) {
		case interface{ Held() bool }:
			return t.Held()
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}
