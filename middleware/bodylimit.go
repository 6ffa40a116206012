package middleware

import (
	"net/http"
	"strconv"

	"github.com/zeugkit/zeug/httperror"
)

// BodyLimit bounds the body of every request. A request that announces a longer
// one is answered by 413 before a byte of it is read; of one that announces
// nothing (chunked), reading fails with an [*http.MaxBytesError] once the limit
// is passed, and the connection is closed after the answer. A
// [wrappers.Request] answers that error by 413 and has finer limits of its own.
type BodyLimit struct {
	// Bytes is the most that a body may have. 0 means 16 MiB.
	Bytes int64
	// Of returns the limit of one request, in bytes; below 0 for none. Where it
	// is nil all requests have Bytes.
	Of func(*http.Request) int64
}

// Wrap returns next with the limit before it. It panics if Bytes is negative.
func (l BodyLimit) Wrap(next http.Handler) http.Handler {
	if l.Bytes < 0 {
		panic("middleware.BodyLimit: Bytes is negative")
	}
	if l.Bytes == 0 {
		l.Bytes = 16 << 20
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := l.Bytes
		if l.Of != nil {
			limit = l.Of(r)
		}
		switch {
		case limit < 0 || r.Body == nil || r.Body == http.NoBody:
		case r.ContentLength > limit:
			// The rest of the connection is the body that nobody reads.
			w.Header().Set("Connection", "close")
			httperror.Respond(w, r, &httperror.Error{
				Code:        httperror.ContentTooLarge,
				Description: "The request is longer than the " + strconv.FormatInt(limit, 10) + " bytes that are taken here.",
			})
			return
		default:
			limited := *r
			limited.Body = http.MaxBytesReader(w, r.Body, limit)
			r = &limited
		}
		next.ServeHTTP(w, r)
	})
}
