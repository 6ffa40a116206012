package wrappers

import (
	"net/netip"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
)

// Scheme is how the client spoke, "http" or "https", as far as it is trusted.
func (req *Request) Scheme() string { return gateway.OriginOf(req.Request).Scheme }

// IsSecure reports whether the client spoke https.
func (req *Request) IsSecure() bool { return req.Scheme() == "https" }

// RootPath is where the application is mounted, percent-encoded: "" or a slash
// and segments without a slash at the end (Werkzeug's root_path, CGI's
// SCRIPT_NAME). The path of req.URL is what comes after it.
func (req *Request) RootPath() string { return gateway.RootPath(req.Request) }

// Client returns the address that asked, as far as it is trusted: a proxy's
// word for it counts where a proxy fix put it into the [gateway.Origin]. It is
// the zero AddrPort where there is none, as on a unix socket.
func (req *Request) Client() netip.AddrPort { return gateway.OriginOf(req.Request).Client }

// Host returns the host the client asked for, with the port unless it is the
// scheme's own. The error answers 400: a host with characters no host has, or
// one that [Settings].TrustedHosts does not name. An HTTP/1.0 request without a
// Host header yields "".
func (req *Request) Host() (string, error) {
	o := gateway.OriginOf(req.Request)
	host := withoutPort(o.Scheme, o.Host)
	trusted := req.reading().TrustedHosts
	if host == "" && len(trusted) == 0 {
		return "", nil
	}
	if !validHost(host) || !trustedHost(host, trusted) {
		return "", &httperror.Error{Code: httperror.BadRequest, Description: "The host is not known here."}
	}
	return host, nil
}

// FullURL is the absolute URL that was asked for, with the query (Werkzeug's
// url). The path and the query are as they were sent, but for bytes that no URL
// has, which are percent-encoded.
//
// Where [Request.Host] has none that can be trusted, the URL starts at the
// path: it then means the same host to whoever holds the page.
func (req *Request) FullURL() string {
	url := req.BaseURL()
	if req.URL.RawQuery == "" {
		return url
	}
	return url + "?" + escapeRest(req.URL.RawQuery)
}

// BaseURL is [Request.FullURL] without the query.
func (req *Request) BaseURL() string {
	path := req.URL.EscapedPath()
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	return req.origin() + req.RootPath() + escapeRest(path)
}

// RootURL is the absolute URL of the application's root, with a slash at the
// end.
func (req *Request) RootURL() string { return req.origin() + req.RootPath() + "/" }

// HostURL is the scheme and the host, with a slash at the end.
func (req *Request) HostURL() string { return req.origin() + "/" }

// FullPath is the path below the root and the query, without the "?" where
// there is none.
func (req *Request) FullPath() string {
	path := escapeRest(req.URL.EscapedPath())
	if req.URL.RawQuery == "" {
		return path
	}
	return path + "?" + escapeRest(req.URL.RawQuery)
}

// origin is "scheme://host", or "" without a host to trust.
func (req *Request) origin() string {
	host, err := req.Host()
	if err != nil || host == "" {
		return ""
	}
	return req.Scheme() + "://" + host
}

func withoutPort(scheme, host string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// validHost reports whether host is a name or an address of either kind, with
// or without a port of digits.
func validHost(host string) bool {
	name, port, ok := splitHost(host)
	if !ok {
		return false
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	if strings.HasPrefix(name, "[") {
		_, err := netip.ParseAddr(name[1 : len(name)-1])
		return err == nil
	}
	for i := range len(name) {
		c := name[i] | 0x20
		if !(c >= 'a' && c <= 'z' || name[i] >= '0' && name[i] <= '9' || name[i] == '.' || name[i] == '-') {
			return false
		}
	}
	return name != ""
}

// splitHost splits "name:port"; an IPv6 address keeps its brackets.
func splitHost(host string) (name, port string, ok bool) {
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", "", false
		}
		name, port = host[:end+1], host[end+1:]
		if port == "" {
			return name, "", true
		}
		return name, port[1:], port[0] == ':' && len(port) > 1
	}
	name, port, found := strings.Cut(host, ":")
	return name, port, !found || port != ""
}

// trustedHost reports whether one of the trusted hosts names host, or there are
// none.
func trustedHost(host string, trusted []string) bool {
	if len(trusted) == 0 {
		return true
	}
	name, _, _ := splitHost(host)
	for _, t := range trusted {
		t, _, _ = splitHost(t)
		domain, below := strings.CutPrefix(t, ".")
		if strings.EqualFold(name, domain) {
			return true
		}
		if below && len(name) > len(t) && strings.EqualFold(name[len(name)-len(t):], t) {
			return true
		}
	}
	return false
}

// escapeRest percent-encodes the bytes of s that a URL's path or query cannot
// carry; what is escaped already stays.
func escapeRest(s string) string {
	const hex = "0123456789ABCDEF"
	n := 0
	for i := range len(s) {
		if !urlByte(s[i]) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	out := make([]byte, 0, len(s)+2*n)
	for i := range len(s) {
		if c := s[i]; urlByte(c) {
			out = append(out, c)
		} else {
			out = append(out, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(out)
}

// urlByte reports whether c may stand in a path or query (RFC 3986, section
// 3.4, and the percent sign of escapes).
func urlByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+,;=:@/?%", c) >= 0
}
