package routing

import (
	"cmp"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
)

// Hosts. With the ServerName "example.org":
//
//	EXAMPLE.org:80       http: subdomain ""
//	anna.example.org     subdomain "anna"
//	bücher.example.org   subdomain "xn--bcher-kva" (RFC 5891)
//	192.0.2.1            outside: the default subdomain
//
// A host is normalized before it is compared: in lower case, in ASCII, without the scheme's own port.
//
// With HostMatching the whole host takes the place of the subdomain, so that the tree and the builder
// know only one string: rules have the host "anna.example.org", and authority returns it unchanged.
//
// Without ServerName and HostMatching, the request's host does not matter, and nothing here runs for
// a match. That is the case t.start is for.

// secure reports whether a scheme uses TLS.
func secure(scheme string) bool { return scheme == "https" || scheme == "wss" }

// subdomainOf returns the labels before server in host, without the dot in between. It reports
// false if host is not server or below it.
func subdomainOf(host, server string) (string, bool) {
	rest, ok := strings.CutSuffix(host, server)
	switch {
	case !ok:
		return "", false
	case rest == "":
		return "", true
	}
	return strings.CutSuffix(rest, ".")
}

// startOf returns the first node of the paths if the host need not be checked, or nil. An adapter
// that was bound to a base has a subdomain of its own, which the program named; it must be the
// default one.
func (t *table) startOf(b *bound) *node {
	if b.base == nil || t.start != nil && b.base.Subdomain == t.options.DefaultSubdomain {
		return t.start
	}
	return nil
}

// domain returns the host and the subdomain of a request. The subdomain is the host itself if the
// table matches hosts, and the default one if the request's host is outside the table's server
// name.
func (t *table) domain(b *bound) (host, subdomain string, err error) {
	if b.base != nil {
		if t.options.HostMatching {
			return b.base.Host, b.base.Host, nil
		}
		return b.base.Host, b.base.Subdomain, nil
	}
	origin := gateway.OriginOf(b.request)
	if host, err = hosts.Normalize(origin.Host, origin.Scheme); err != nil {
		return "", "", errHost
	}
	switch {
	case t.options.HostMatching:
		return host, host, nil
	case t.options.ServerName == "":
		// Without a server name, the host is that of the default subdomain. It is removed here because
		// authority puts it in front again.
		if here := t.options.DefaultSubdomain; here != "" {
			return strings.TrimPrefix(host, here+"."), here, nil
		}
		return host, "", nil
	}
	server, err := hosts.Normalize(t.options.ServerName, origin.Scheme)
	if err != nil {
		return "", "", err
	}
	subdomain, ok := subdomainOf(host, server)
	if !ok {
		subdomain = t.options.DefaultSubdomain
	}
	return server, subdomain, nil
}

// authority joins a subdomain to its host.
func (t *table) authority(host, subdomain string) string {
	switch {
	case t.options.HostMatching:
		return subdomain
	case subdomain == "":
		return host
	}
	return subdomain + "." + host
}

// scheme returns the scheme of redirects: that of the request, or that of a WebSocket if it opens
// one.
func (t *table) scheme(b *bound) string {
	scheme := cmp.Or(b.scheme(), "http")
	if b.base == nil && t.webSockets && b.webSocket() {
		scheme = strings.Replace(scheme, "http", "ws", 1)
	}
	return scheme
}
