package middleware

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/zeugkit/zeug/internal/requestcopy"
)

// RequestID gives each request an ID, by which it can be found in the logs of
// every program that took part in it. The ID is in the request's context, see
// [RequestIDOf], and in a field of the response.
type RequestID struct {
	// Header is the field of the response, and also of the request if that is
	// trusted; X-Request-Id by default.
	Header string
	// Trust uses the ID that is in the request. Set it if the application is behind a proxy that
	// sets the field; otherwise clients can confuse the logs. The ID counts only if it has 1 to 128
	// letters, digits or characters of "-._~+/=:@".
	Trust bool
	// New makes IDs. By default they are 26 random characters (130 bits).
	New func() string
}

type requestIDKey struct{}

// named is a context with the ID of its request, and room for the field.
type named struct {
	context.Context
	id [1]string
}

func (n *named) Value(key any) any {
	if key == (requestIDKey{}) {
		return n
	}
	return n.Context.Value(key)
}

// RequestIDOf returns the ID that a [RequestID] gave to the request of this
// context, or "".
func RequestIDOf(ctx context.Context) string {
	if n, ok := ctx.Value(requestIDKey{}).(*named); ok {
		return n.id[0]
	}
	return ""
}

// Wrap returns next with an ID for each request.
func (m RequestID) Wrap(next http.Handler) http.Handler {
	header := http.CanonicalHeaderKey(m.Header)
	if header == "" {
		header = "X-Request-Id"
	}
	if m.New == nil {
		m.New = rand.Text
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &named{Context: r.Context()}
		if sent := r.Header[header]; m.Trust && len(sent) == 1 && validID(sent[0]) {
			n.id[0] = sent[0]
		} else {
			n.id[0] = m.New()
		}
		w.Header()[header] = n.id[:]
		requestcopy.Serve(next, w, r.WithContext(n), r)
	})
}

func validID(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		default:
			switch c {
			case '-', '.', '_', '~', '+', '/', '=', ':', '@':
			default:
				return false
			}
		}
	}
	return true
}
