// Package wrappers has the two objects that an application works with: a
// [Request], which wraps what the server received, and a [Response], a value
// that is itself an [net/http.Handler]. A [View] is a function from one to the
// other.
package wrappers

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// Request wraps an [http.Request] and has methods for what an application
// needs: the query, the form and its files, JSON, cookies, URLs and headers as
// values.
//
// Nothing is parsed before it is needed. Bytes that were read stay with the body, so they are read
// only once. A middleware and the inner view share them, even if code between them made copies of
// the request. To read another body, such as an unpacked one, replace the Body first:
//
//	req.Body, err = gzip.NewReader(req.Body)
//
// [Limits].Body then limits both the bytes that the client sent and the unpacked ones.
//
// The Method is in upper case, however the client wrote it. The other fields of the embedded
// [http.Request] can be used. Request has methods with the names of some (Form, Host, Cookies): the
// method checks what it returns, and req.Request.Form is the field. Pass req.Request to inner
// handlers, not the request from which it was made.
//
// A Request is for the goroutine that serves it.
type Request struct {
	*http.Request

	received  *http.Request // the argument of NewRequest
	content   *content      // nil if there is no body
	shallow   bool          // the body must not be read
	settings  *Settings     // the settings of Configure, or nil
	arguments *datastructures.Values
	queryOf   string // the query from which arguments was parsed
}

// NewRequest returns the Request of r. If r is the [http.Request] of an earlier
// Request that has a body, the result is that Request. If r is a middleware's
// copy of such an [http.Request], the result has the copy's URL, header and
// context, and shares the body. If the fields of r show a form, it counts as
// parsed.
//
// Callers of NewRequest outside of a [View] should call [Request.Close] when the request is
// answered.
func NewRequest(r *http.Request) *Request { return NewRequestIn(nil, r) }

// NewRequestIn is like [NewRequest], but uses a zero Request that is part of a larger struct, such
// as an application's own kind of request. That saves an allocation. The result is req, unless r is
// the [http.Request] of an earlier one. If req is nil, it is allocated.
func NewRequestIn(req *Request, r *http.Request) *Request {
	c, known := r.Body.(*content)
	if known && c.first.Request == r {
		return c.first
	}
	if req == nil {
		req = new(Request)
	}
	req.Request, req.received = r, r
	if known {
		req.content = c
		return req
	}
	method := strings.ToUpper(r.Method)
	switch {
	case r.Body != nil && r.Body != http.NoBody:
		c := &content{src: r.Body, first: req, length: r.ContentLength, own: *r}
		c.own.Body, c.own.Method = c, method
		req.Request, req.content = &c.own, c
	case method != r.Method:
		own := *r
		own.Method = method
		req.Request = &own
	}
	return req
}

// NewShallowRequest returns a Request of r that does not read the body. Use it
// in middlewares that need URLs and headers, and must not read a body that the
// inner application streams. Form, Files, Parts, Data, Text and JSON return an
// error (Werkzeug's shallow).
func NewShallowRequest(r *http.Request) *Request {
	return &Request{Request: r, received: r, shallow: true}
}

// errShallow is the error of reading the body of a shallow request.
var errShallow = errors.New("the request is shallow: its body is not to be read here")

// Close frees the resources of the request: it closes the uploaded files and
// removes the temporary ones. A [View] calls it once its response is sent; it
// may be called more than once.
//
// Only the Request that used the body first cleans up, so that an inner handler
// does not remove files that outer ones still need.
func (req *Request) Close() error {
	var err error
	for c := req.content; c != nil && c.first == req; c = c.replaced {
		err = errors.Join(err, c.release())
	}
	requestcopy.RemoveFiles(req.Request, req.received) // a plain handler may have parsed the form
	return err
}

// String returns the method and the URL: "GET http://example.org/x".
func (req *Request) String() string { return req.Method + " " + req.FullURL() }

// LogValue shows the request as a group with method, URL and client.
func (req *Request) LogValue() slog.Value {
	client := gateway.OriginOf(req.Request).Client
	return slog.GroupValue(
		slog.String("method", req.Method),
		slog.String("url", req.FullURL()),
		slog.String("client", client.Addr().String()),
	)
}
