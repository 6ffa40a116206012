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

// Option changes a request. Options given to [New] or [Client.With] change
// every request of the client; those of a call come after them and win.
type Option func(*request)

// request is what options change, and what a call sends.
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

// BaseURL sets the address of the application, "http://example.com" unless set. Paths of requests
// are below it: if it has a path, the application is mounted there (see [gateway.Mount]) and gets
// the prefix as its root path. With the scheme https requests carry a TLS state.
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

// Hosts lets redirects lead to other hosts than the one of the request and of
// the base URL: exact ones, "api.example.com", or all below one,
// "*.example.com". A port is part of the name unless it is the scheme's own.
func Hosts(patterns ...string) Option {
	return func(r *request) { r.hosts = append(r.hosts, patterns...) }
}

// Header sets a header field to the values, in place of any it had. Without
// values it is removed. "Host" is what the application sees as the request's.
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

// Bearer sets the Authorization field of RFC 6750.
func Bearer(token string) Option { return Header("Authorization", "Bearer "+token) }

// RemoteAddr sets the address the application sees the request come from, as
// the server would report it: "192.0.2.7:1234", or "@" for a unix socket. It is
// "127.0.0.1:40000" unless set.
func RemoteAddr(addr string) Option { return func(r *request) { r.remoteAddr = addr } }

// TLS sets the TLS state that the application sees, a client's certificate for
// instance. A URL with the scheme https has one without this.
func TLS(state *tls.ConnectionState) Option { return func(r *request) { r.tls = state } }

// HTTP2 sends the request by HTTP/2.
func HTTP2(r *request) { r.http2 = true }

// Context sets the context of the request. The application sees its values,
// and its end as that of a client that went away.
func Context(ctx context.Context) Option { return func(r *request) { r.ctx = ctx } }

// Follow follows redirects (301, 302, 303, 307, 308), as the Fetch standard does: the responses on
// the way are the History of the final response. A loop, more than twenty redirects, and one that
// leads to a host outside fail the test.
func Follow(r *request) { r.follow = true }

// NoFollow undoes [Follow].
func NoFollow(r *request) { r.follow = false }

// NoCookies neither sends nor keeps cookies.
func NoCookies(r *request) { r.noCookies = true }

// Stream returns as soon as the header of the answer is there. Read the body
// from [Response.Body] as it comes; closing it is the client that went away.
func Stream(r *request) { r.stream = true }

// MayAbort reports an answer that broke off, or that never came, in
// [Response.Err] instead of failing the test.
func MayAbort(r *request) { r.mayAbort = true }

// FromPage makes the request one that a page of this URL made in a browser: it
// sets Referer, Origin and Sec-Fetch-Site accordingly, and cookies are sent as
// their SameSite attribute allows. Without it the request is one that the user
// typed.
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

// Transport sends the requests by rt instead of in memory or by a connection
// of the client's own.
func Transport(rt http.RoundTripper) Option { return func(r *request) { r.transport = rt } }

// Body sets the body. Its length is told to the application when the reader can
// seek; otherwise it is sent in chunks, and cannot be sent again after a
// redirect. An empty contentType sends none.
func Body(contentType string, body io.Reader) Option {
	return func(r *request) {
		r.setBody(contentType, newContent(body))
	}
}

// Text sets a body of plain text.
func Text(s string) Option { return Body("text/plain; charset=utf-8", strings.NewReader(s)) }
