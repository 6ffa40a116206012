// Package wrappers holds the two objects an application talks to: a [Request]
// over what the server received, and a [Response], a value that is itself an
// [net/http.Handler]. A [View] is a function from one to the other.
package wrappers

import (
	"context"
	"net/http"
	"sync"

	"github.com/zeugkit/zeug/datastructures"
)

// Request wraps an [http.Request] with what an application asks of it. There is
// one for each request: it is kept in the context, so whatever asks for it a
// second time gets what was parsed the first time.
//
// A Request is for the goroutine that serves it.
type Request struct {
	*http.Request

	args func() *datastructures.Values
}

type requestKey struct{}

// NewRequest returns the Request of r: the one in its context, or else a new
// one that the context of its own [http.Request] holds from now on.
func NewRequest(r *http.Request) *Request {
	if req, ok := r.Context().Value(requestKey{}).(*Request); ok && req.Request == r {
		return req
	}
	req := new(Request)
	req.Request = r.WithContext(context.WithValue(r.Context(), requestKey{}, req))
	req.args = sync.OnceValue(func() *datastructures.Values {
		return datastructures.ParseQuery(r.URL.RawQuery)
	})
	return req
}

// Args returns the arguments of the URL's query, in their order.
func (req *Request) Args() *datastructures.Values { return req.args() }
