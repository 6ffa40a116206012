// Package wrappers holds the two objects an application talks to: a [Request]
// over what the server received, and a [Response], a value that is itself an
// [net/http.Handler]. A [View] is a function from one to the other.
package wrappers

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
)

// Request wraps an [http.Request] with what an application asks of it: the
// query, the form and its files, JSON, cookies, URLs and headers as values.
//
// Nothing is parsed before it is asked for. What was read of the body stays with
// the body and is read once, whoever asks: a middleware and the view behind it
// share it, even where something between them made copies of the request.
//
// The Method is in upper case, however the client wrote it. What else the
// embedded [http.Request] has stays in reach; where Request has a method of the
// same name (Form, Host, Cookies) that method is the careful reading, and
// req.Request.Form the field. Hand req.Request, not the request it was made of,
// to handlers behind.
//
// A Request is for the goroutine that serves it.
type Request struct {
	*http.Request

	content  *content  // nil where there is no body
	shallow  bool      // the body is not to be touched
	settings *Settings // what Configure said, or nil
	args     *datastructures.Values
	argsOf   string // the query that args was parsed from
}

// NewRequest returns the Request of r. If r is the [http.Request] of one that has
// a body, that is it. If r is a copy that a middleware made of one, the result
// has the copy's URL, header and context and shares the body. A form that the
// fields of r show already counts as parsed.
//
// Who calls NewRequest outside of a [View] should call [Request.Close] when the
// request is answered.
func NewRequest(r *http.Request) *Request {
	if c, ok := r.Body.(*content); ok {
		if c.first.Request == r {
			return c.first
		}
		return &Request{Request: r, content: c}
	}
	req := &Request{Request: r}
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

// NewShallowRequest returns a Request of r that keeps its hands off the body: for
// middlewares that look at URLs and headers and must not read what the
// application behind them streams. Form, Files, Parts, Data, Text and JSON are
// [ErrShallow] (Werkzeug's shallow).
func NewShallowRequest(r *http.Request) *Request { return &Request{Request: r, shallow: true} }

// ErrShallow is what reading the body of a shallow request returns.
var ErrShallow = errors.New("the request is shallow: its body is not to be read here")

// Close frees what reading the request took: it closes the uploaded files and
// removes the temporary ones. A [View] calls it once its answer is sent; it may
// be called more than once.
//
// Only the Request that met the body first cleans up after it, so a handler
// further in does not take the files away from those around it.
func (req *Request) Close() error {
	if req.content == nil || req.content.first != req {
		return nil
	}
	return req.content.release()
}

// Args returns the arguments of the URL's query, in their order (Werkzeug's
// args). Nothing is lost: pairs with ";" and escapes that are none stay data.
func (req *Request) Args() *datastructures.Values {
	if req.args == nil || req.argsOf != req.URL.RawQuery {
		req.argsOf = req.URL.RawQuery
		req.args = datastructures.ParseQuery(req.argsOf)
	}
	return req.args
}

// Values returns a view of the arguments of the query, which come first, and
// the fields of the form; for GET and HEAD of the arguments alone (Werkzeug's
// values). Reading the form may fail as [Request.Form] does; the arguments are
// there all the same.
func (req *Request) Values() (*datastructures.CombinedValues, error) {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return datastructures.CombineValues(req.Args()), nil
	}
	form, err := req.Form()
	return datastructures.CombineValues(req.Args(), form), err
}

// String returns the method and the URL: "GET http://example.org/x".
func (req *Request) String() string { return req.Method + " " + req.FullURL() }

// LogValue shows the request as a group of method, URL and client.
func (req *Request) LogValue() slog.Value {
	client := gateway.OriginOf(req.Request).Client
	return slog.GroupValue(
		slog.String("method", req.Method),
		slog.String("url", req.FullURL()),
		slog.String("client", client.Addr().String()),
	)
}
