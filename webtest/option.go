package webtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Option changes a request. Options of [New] or [Client.With] change every
// request of the client; options of a call come after them and take precedence.
type Option func(*request)

// request is a request while options change it, and until a call sends it.
type request struct {
	base      *url.URL
	transport http.RoundTripper
	way

	header    http.Header
	query     []string
	body      *content
	mediaType string
	fields    []field
	page      *url.URL
	ctx       context.Context

	follow    bool
	noCookies bool
	stream    bool
	mayAbort  bool

	errs []error
}

// way is how a request reaches the application.
type way struct {
	hosts      []string
	remoteAddr string
	tls        *tls.ConnectionState
	http2      bool
	root       string
}

func (r *request) refuse(format string, args ...any) {
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

// BaseURL sets the address of the application, by default "http://example.com". Paths of requests
// are below it. If it has a path, the application is mounted there (see [gateway.Mount]), with that
// path as its root path. With the scheme https, requests have a TLS state.
func BaseURL(address string) Option {
	return func(r *request) {
		u, err := parseBase(address)
		if err != nil {
			r.refuse("base URL: %w", err)
			return
		}
		r.base = u
	}
}

// Hosts lets redirects lead to other hosts than those of the request and the
// base URL: exact hosts, "api.example.com", or all hosts below one,
// "*.example.com". A port is part of the name unless it is the default port of
// the scheme.
func Hosts(patterns ...string) Option {
	return func(r *request) { r.hosts = append(r.hosts, patterns...) }
}

// Header sets a header field to the values, and replaces any that it had.
// Without values, the field is removed. "Host" sets the host of the request.
func Header(name string, values ...string) Option {
	return func(r *request) {
		name := http.CanonicalHeaderKey(name)
		if len(values) == 0 {
			delete(r.header, name)
			return
		}
		r.header[name] = append([]string(nil), values...)
	}
}

// Query adds to the query of the URL, in the order of the keys.
func Query(values url.Values) Option {
	return func(r *request) {
		if len(values) > 0 {
			r.query = append(r.query, values.Encode())
		}
	}
}

// BasicAuth sets the Authorization field of RFC 7617.
func BasicAuth(user, password string) Option {
	return func(r *request) {
		auth := &http.Request{Header: r.header}
		auth.SetBasicAuth(user, password)
	}
}

// RemoteAddr sets the address from which the request seems to come, in the
// server's form: "192.0.2.7:1234", or "@" for a unix socket. By default it is
// "127.0.0.1:40000".
func RemoteAddr(addr string) Option { return func(r *request) { r.remoteAddr = addr } }

// TLS sets the TLS state that the application sees, for instance with a client
// certificate. If the URL has the scheme https, there is a TLS state without
// this option.
func TLS(state *tls.ConnectionState) Option { return func(r *request) { r.tls = state } }

// HTTP2 sends the request over HTTP/2.
func HTTP2(r *request) { r.http2 = true }

// Context sets the context of the request. The application sees its values, and
// its end looks like a client that has gone.
func Context(ctx context.Context) Option { return func(r *request) { r.ctx = ctx } }

// Follow follows redirects (301, 302, 303, 307, 308), as the Fetch standard does. The responses in
// between are the History of the final response. The test fails if there is a loop, more than
// twenty redirects, or a redirect to another host.
func Follow(r *request) { r.follow = true }

// NoFollow undoes [Follow].
func NoFollow(r *request) { r.follow = false }

// NoCookies neither sends nor keeps cookies.
func NoCookies(r *request) { r.noCookies = true }

// Stream returns as soon as the header of the response has arrived. Read the
// body from [Response.Body] as it arrives; if you close it, the client has
// gone.
func Stream(r *request) { r.stream = true }

// MayAbort reports a response that broke off, or that never came, in [Response.Err] instead of
// failing the test.
func MayAbort(r *request) { r.mayAbort = true }

// FromPage sends the request as if a page with this URL made it in a browser.
// It sets Referer, Origin and Sec-Fetch-Site accordingly, and cookies are sent
// as their SameSite attribute allows. Without it, the request counts as one
// that the user typed.
func FromPage(address string) Option {
	return func(r *request) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			r.refuse("page %q is not an absolute URL", address)
			return
		}
		r.page = u
	}
}

// Transport sends the requests with rt, instead of in memory or over a
// connection of the client.
func Transport(rt http.RoundTripper) Option { return func(r *request) { r.transport = rt } }

// Body sets the body. If the reader can seek, the application gets its length.
// Otherwise the body is sent in chunks, and cannot be sent again after a
// redirect. An empty contentType sends none.
func Body(contentType string, body io.Reader) Option {
	return func(r *request) {
		r.setBody(contentType, newContent(body))
	}
}

// Text sets a body of plain text.
func Text(s string) Option { return Body("text/plain; charset=utf-8", strings.NewReader(s)) }
