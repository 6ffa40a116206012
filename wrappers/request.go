// Package wrappers holds the two objects an application talks to: a [Request]
// over what the server received, and a [Response], a value that is itself an
// [net/http.Handler]. A [View] is a function from one to the other.
package wrappers

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/gateway"
)

// Request wraps an [http.Request] with what an application asks of it: the
// query, the form and its files, JSON, cookies, URLs and headers as values.
//
// Nothing is parsed before it is asked for, and nothing twice: a Request is
// kept in the context of its own [http.Request], and what was read of the body
// stays with the body, so a middleware and the view behind it share it even
// where something between them made copies of the request.
//
// The Method is in upper case, however the client wrote it. What else the
// embedded [http.Request] has stays in reach; where Request has a
// method of the same name (Form, Host, Cookies) that method is the careful
// reading, and req.Request.Form the field.
//
// A Request is for the goroutine that serves it.
type Request struct {
	*http.Request

	own      http.Request // what Request points to: a copy of the server's with our context and body
	node     node
	content  *content  // nil where there is no body
	closes   bool      // this Request met the body first, and cleans up after it
	settings *Settings // what Configure said, or nil
	args     *datastructures.Values
	argsOf   string // the query that args was parsed from
}

// node is the Request's place in the chain of contexts. It lies in the Request,
// so that being kept in the context costs no allocation of its own.
type node struct {
	context.Context
	req *Request
}

type requestKey struct{}

func (n *node) Value(key any) any {
	switch key.(type) {
	case requestKey:
		return n.req
	case settingsKey:
		if n.req.settings != nil {
			return n.req.settings
		}
	}
	return n.Context.Value(key)
}

// NewRequest returns the Request of r. If r is the [http.Request] of one, that
// is it. If r is a copy that a middleware made of one, the result has the
// copy's URL, header and context, and shares what did not change: above all
// the body, which is read and parsed once whoever asks.
//
// Who calls NewRequest outside of a [View] should call [Request.Close] when the
// request is answered.
func NewRequest(r *http.Request) *Request {
	ctx := r.Context()
	outer, _ := ctx.Value(requestKey{}).(*Request)
	if outer != nil && outer.Request == r {
		return outer
	}
	req := new(Request)
	req.node = node{ctx, req}
	req.own = *r.WithContext(&req.node)
	req.own.Method = strings.ToUpper(r.Method)
	req.Request = &req.own
	if outer != nil && outer.args != nil && r.URL != nil && outer.argsOf == r.URL.RawQuery {
		req.args, req.argsOf = outer.args, outer.argsOf
	}
	switch b := r.Body.(type) {
	case nil:
	case *content:
		req.content = b
	default:
		if r.Body != http.NoBody {
			req.content = newContent(req, r)
			req.closes = true
			req.own.Body = req.content
		}
	}
	return req
}

// Close frees what reading the request took: it closes the uploaded files and
// removes the temporary ones. A [View] calls it once its answer is sent; it may
// be called more than once.
//
// Only the Request that met the body first cleans up after it, so a handler
// further in does not take the files away from those around it.
func (req *Request) Close() error {
	if !req.closes {
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
