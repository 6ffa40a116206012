package middleware

import (
	"net/http"
	"strconv"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// BodyLimit limits the body of every request. A request whose Content-Length is above the limit
// gets 413 before a byte of its body is read. For a request without a Content-Length (chunked),
// reading fails with an [*http.MaxBytesError] when the limit is exceeded, and the connection is
// closed after the response. A [wrappers.Request] answers that error with 413 and has finer limits
// of its own.
type BodyLimit struct {
	// Bytes is the limit in bytes. 0 means 16 MiB, a negative number no limit.
	Bytes int64
	// BytesFunc returns the limit of one request in bytes, with the same meaning of 0 and
	// of negative numbers. All requests have Bytes if it is nil.
	BytesFunc func(*http.Request) int64
}

// Wrap returns next with the limit.
func (l BodyLimit) Wrap(next http.Handler) http.Handler {
	l.Bytes = limits.Number(l.Bytes, 16<<20)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := l.Bytes
		if l.BytesFunc != nil {
			limit = limits.Number(l.BytesFunc(r), 16<<20)
		}
		switch {
		case r.Body == nil || r.Body == http.NoBody:
			next.ServeHTTP(w, r)
		case r.ContentLength > limit:
			if r.ProtoMajor == 1 {
				// The rest of the connection is the unread body.
				w.Header().Set("Connection", "close")
			}
			httperror.Respond(w, r, &httperror.Error{
				Code:        httperror.ContentTooLarge,
				Description: "The request is longer than the " + strconv.FormatInt(limit, 10) + " bytes that are taken here.",
			})
		default:
			limited := *r
			// Only with the server's own writer does the reader close the connection.
			limited.Body = http.MaxBytesReader(responsewriter.Innermost(w), r.Body, limit)
			requestcopy.Serve(next, w, &limited, r)
		}
	})
}
