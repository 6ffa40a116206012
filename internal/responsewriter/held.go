package responsewriter

import "net/http"

// Held reports whether a response that has begun can still be replaced, because
// an inner writer (the debugger's) holds it back. A failure then goes to
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

// CutShort tells an inner writer, the debugger's, which error ended a response that had been sent
// in part. It reports false if there is no such writer.
func CutShort(w http.ResponseWriter, r *http.Request, err error) bool {
	for {
		switch t := w.(type) {
		case interface {
			CutShort(*http.Request, error)
		}:
			t.CutShort(r, err)
			return true
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return false
		}
	}
}

// Innermost returns the writer inside all wrappers: the server's.
func Innermost(w http.ResponseWriter) http.ResponseWriter {
	for {
		t, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = t.Unwrap()
	}
}
