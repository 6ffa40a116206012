package wrappers

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/percent"
	"github.com/zeugkit/zeug/urls"
)

// Scheme is the protocol that the client used, "http" or "https", according to trusted sources.
func (req *Request) Scheme() string { return gateway.OriginOf(req.Request).Scheme }

// IsSecure reports whether the client used https.
func (req *Request) IsSecure() bool { return req.Scheme() == "https" }

// RootPath is where the application is mounted, percent-encoded: "" or a slash and segments
// without a slash at the end (Werkzeug's root_path, CGI's SCRIPT_NAME). The path of req.URL is the
// rest.
func (req *Request) RootPath() string { return gateway.RootPath(req.Request) }

// Client returns the address of the client, from trusted sources only: a proxy's statement counts
// if a proxy fix put it into the [gateway.Origin]. It is the zero AddrPort if there is none, as on
// a unix socket.
func (req *Request) Client() netip.AddrPort { return gateway.OriginOf(req.Request).Client }

// ErrUntrustedHost is in the error of [Request.Host] (Werkzeug's SecurityError).
var ErrUntrustedHost = errors.New("host is not valid or not trusted")

// Host returns the host of the request, with the port unless it is the default port of the scheme.
// The error answers 400: the host has characters that a host cannot have (RFC 9112, section 3.2),
// or [Settings].TrustedHosts does not list it. A request of HTTP/1.0 without a Host header returns
// "", unless hosts must be trusted.
//
// The Host of the embedded [http.Request] is the value that was sent, without any check.
func (req *Request) Host() (string, error) {
	o := gateway.OriginOf(req.Request)
	trusted := req.reading().TrustedHosts
	if o.Host == "" && len(trusted) == 0 {
		return "", nil
	}
	host := urls.Host(o.Scheme, o.Host, "")
	if host == "" || !urls.HostTrusted(host, trusted) {
		return "", &httperror.Error{
			Code:        httperror.BadRequest,
			Description: "The host is not known here.",
			Err:         fmt.Errorf("%w: %q", ErrUntrustedHost, o.Host),
		}
	}
	return host, nil
}

// FullURL is the absolute URL of the request, with the query (Werkzeug's url). The path and the
// query are unchanged, except that bytes that a URL cannot have are percent-encoded.
//
// If [Request.Host] finds no host that can be trusted, the URL begins with the path. In a page it
// then means the host from which the page came.
func (req *Request) FullURL() string { return req.BaseURL() + req.query() }

// BaseURL is the absolute URL of the request without the query.
func (req *Request) BaseURL() string { return req.absolute(req.RootPath() + req.path()) }

// RootURL is the absolute URL of the application's root, with a slash at the
// end.
func (req *Request) RootURL() string { return req.absolute(req.RootPath() + "/") }

// HostURL is the scheme and the host, with a slash at the end.
func (req *Request) HostURL() string { return req.absolute("/") }

// FullPath is the path below the root and the query, without the "?" if there is none.
func (req *Request) FullPath() string { return rooted(escapeRest(req.path())) + req.query() }

// absolute returns "scheme://host" and the path, or only the path if there is
// no host to trust.
func (req *Request) absolute(path string) string {
	path = escapeRest(path)
	if host, err := req.Host(); err == nil && host != "" {
		return req.Scheme() + "://" + host + path
	}
	return rooted(path)
}

// path returns the path below the root, percent-encoded as it was sent.
func (req *Request) path() string {
	path := req.URL.EscapedPath()
	if path == "*" { // of OPTIONS, for the server as a whole
		return "/"
	}
	if path == "" || path[0] != '/' {
		return "/" + path
	}
	return path
}

// rooted prevents a path that starts with two slashes from being read as a
// host: the dot marks it as a path (WHATWG URL, section 4.5).
func rooted(path string) string {
	if strings.HasPrefix(path, "//") {
		return "/." + path
	}
	return path
}

// query returns the query with its "?", or "".
func (req *Request) query() string {
	if req.URL.RawQuery == "" {
		return ""
	}
	return "?" + escapeRest(req.URL.RawQuery)
}

// escapeRest percent-encodes the bytes of s that a URL's path or query cannot
// have; existing escapes stay.
func escapeRest(s string) string {
	return sentChars.Escape(s)
}

// sentChars are the bytes that a path or query may have (RFC 3986, section 3.4), and the percent
// sign of escapes.
var sentChars = percent.NewSet(percent.Unreserved + "!$&'()*+,;=:@/?%")
