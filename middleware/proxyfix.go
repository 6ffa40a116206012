package middleware

import (
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// ByNetwork is a count of [ProxyFix]: it counts the chain of proxies whose
// addresses are in the networks of Trusted.
const ByNetwork = -1

// ProxyFix tells the application which client sent the request, and by which scheme, host and
// prefix, if proxies are in front of it (Werkzeug's ProxyFix). The values of the headers are
// validated. They become the request's [gateway.Origin], its Host and its RemoteAddr, which URLs,
// redirects, cookies and the access log use. The headers themselves do not change, and
// [gateway.Received] returns what the server itself saw.
//
// Anyone can send these headers, so only the values that your own proxies wrote count. A proxy
// appends its value to a header, so the last value is trustworthy; if there is a second proxy in
// front of the first, so is the last but one. Each field below is the number of your proxies that
// set that header. 0, the zero value, ignores the header. A header with fewer values, or with a
// value that is not valid, is ignored as well, and the Origin stays unchanged.
//
// Over FastCGI, SCGI, uwsgi and CGI the headers are ignored. There the web server sends address,
// scheme and host in variables of the protocol, which are already the Origin, and passes on the
// client's headers. Set Gateways to use them there as well.
//
// The values come from all lines of a header, split only at commas. So a client cannot
// shift the values of a proxy with a quote or an empty value.
type ProxyFix struct {
	// For is the count for X-Forwarded-For: the client's address, with or
	// without a port. With ByNetwork it is the last address that is not in
	// Trusted.
	For int
	// Proto is the count for X-Forwarded-Proto: http or https, or ws or wss with the same meaning.
	Proto int
	// Host counts X-Forwarded-Host. It is ignored if it is not a valid name or address,
	// with or without a port.
	Host int
	// Port is the count for X-Forwarded-Port: it replaces the port of the host, which is left out
	// if it is the default port of the scheme.
	Port int
	// Prefix is the count for X-Forwarded-Prefix: the path that the proxy
	// removed from the URL, put before the root path. It must not have empty
	// segments, segments of dots, or characters that a path cannot have.
	Prefix int
	// Forwarded is the count for the elements of Forwarded (RFC 7239), which
	// hold address, scheme and host together. It replaces For, Proto, Host and
	// Port. With ByNetwork, elements are read from the end for as long as an
	// address in Trusted sent them; the last one read counts.
	Forwarded int

	// Trusted are the networks of the proxies. If it is not empty, a request from another address
	// stays unchanged, whatever its headers.
	Trusted []netip.Prefix
	// Gateways also uses the headers over gateway protocols: FastCGI, SCGI, uwsgi and CGI. Set it
	// only if the web server that speaks the protocol is behind a proxy, reports the proxy's
	// address as the client's, and removes these headers from all other requests.
	Gateways bool
	// TrustSockets trusts clients without an address, at a unix socket, as if they were in
	// Trusted.
	TrustSockets bool
}

// Wrap returns next with its requests corrected. It panics if the settings
// contradict themselves.
func (p ProxyFix) Wrap(next http.Handler) http.Handler {
	if err := p.Check(); err != nil {
		panic(err.Error())
	}
	if !p.looks() {
		return next
	}
	p.Trusted = slices.Clone(p.Trusted)
	for i, network := range p.Trusted {
		p.Trusted[i] = unmapped(network)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := p.read(r.Header)
		if !said.any || !p.Gateways && cgi.Variables(r) != nil {
			next.ServeHTTP(w, r)
			return
		}
		c := gateway.Correct(r, func(o gateway.Origin) gateway.Origin { return p.correct(o, &said) })
		if c == r {
			next.ServeHTTP(w, r)
			return
		}
		requestcopy.Serve(next, w, c, r)
	})
}

// Check returns an error if the settings contradict themselves.
func (p ProxyFix) Check() error {
	gated := len(p.Trusted) > 0 || p.TrustSockets
	for name, count := range map[string]int{"For": p.For, "Forwarded": p.Forwarded} {
		if count < ByNetwork {
			return errors.New("middleware.ProxyFix: " + name + " is negative")
		}
		if count == ByNetwork && !gated {
			return errors.New("middleware.ProxyFix: " + name + " is ByNetwork, but Trusted names no network")
		}
	}
	for name, count := range map[string]int{"Proto": p.Proto, "Host": p.Host, "Port": p.Port, "Prefix": p.Prefix} {
		if count < 0 {
			return errors.New("middleware.ProxyFix: " + name + " is negative: only For and Forwarded say who sent them, so only they can be ByNetwork")
		}
	}
	if p.Forwarded != 0 && (p.For != 0 || p.Proto != 0 || p.Host != 0 || p.Port != 0) {
		return errors.New("middleware.ProxyFix: Forwarded is set, and one of For, Proto, Host and Port: trust the one that the proxy sets, a client can send the other")
	}
	for _, network := range p.Trusted {
		if !network.IsValid() {
			return errors.New("middleware.ProxyFix: Trusted has an invalid network")
		}
	}
	return nil
}

// looks reports whether any header counts.
func (p *ProxyFix) looks() bool {
	return p.For != 0 || p.Proto != 0 || p.Host != 0 || p.Port != 0 || p.Prefix != 0 || p.Forwarded != 0
}

// proxyFields are the header fields that count, unchanged. A field that does not count is nil.
type proxyFields struct {
	any                                          bool
	client, proto, host, port, prefix, forwarded []string
}

// read returns the fields of h that count.
func (p *ProxyFix) read(h http.Header) (f proxyFields) {
	take := func(to *[]string, count int, name string) {
		if count != 0 {
			*to = h[name]
			f.any = f.any || *to != nil
		}
	}
	take(&f.client, p.For, "X-Forwarded-For")
	take(&f.proto, p.Proto, "X-Forwarded-Proto")
	take(&f.host, p.Host, "X-Forwarded-Host")
	take(&f.port, p.Port, "X-Forwarded-Port")
	take(&f.prefix, p.Prefix, "X-Forwarded-Prefix")
	take(&f.forwarded, p.Forwarded, "Forwarded")
	return f
}

// correct returns o corrected by the fields.
func (p *ProxyFix) correct(o gateway.Origin, f *proxyFields) gateway.Origin {
	if (len(p.Trusted) > 0 || p.TrustSockets) && !p.trusts(o.Client) {
		return o
	}
	peer := o.Client
	if p.For != 0 {
		if client, ok := p.client(peer, f.client); ok {
			o.Client = client
		}
	}
	if p.Forwarded != 0 {
		p.forwarded(&o, f.forwarded)
	}
	if v, ok := nthLast(f.proto, p.Proto); ok {
		if scheme, ok := schemeOf(v); ok {
			o.Scheme = scheme
		}
	}
	if v, ok := nthLast(f.host, p.Host); ok && hosts.Valid(v) {
		o.Host = v
	}
	if v, ok := nthLast(f.port, p.Port); ok {
		o.Host = withPort(o, v)
	}
	if v, ok := nthLast(f.prefix, p.Prefix); ok {
		if prefix, ok := prefixOf(v); ok {
			o.RootPath = prefix + o.RootPath
		}
	}
	return o
}

// client returns the address from which the outermost proxy got the request.
func (p *ProxyFix) client(peer netip.AddrPort, values []string) (client netip.AddrPort, ok bool) {
	if p.For > 0 {
		v, ok := nthLast(values, p.For)
		if !ok {
			return client, false
		}
		return addressOf(v)
	}
	client = peer
	for v := range fromLast(values, cutLast) {
		if !p.trusts(client) {
			break
		}
		said, ok := addressOf(v)
		if !ok {
			break
		}
		client = said
	}
	return client, client != peer
}

// forwarded corrects o by the element of Forwarded that the outermost proxy
// wrote, if this element and all after it are valid.
func (p *ProxyFix) forwarded(o *gateway.Origin, values []string) {
	said, n := element{}, 0
	for v := range fromLast(values, cutLastElement) {
		e, ok := parseForwarded(v)
		if !ok {
			break
		}
		said = e
		n++
		if n == p.Forwarded || p.Forwarded == ByNetwork && (!e.client.IsValid() || !p.trusts(e.client)) {
			break
		}
	}
	if n == 0 || p.Forwarded > n {
		return
	}
	if said.client.IsValid() {
		o.Client = said.client
	}
	if said.scheme != "" {
		o.Scheme = said.scheme
	}
	if said.host != "" {
		o.Host = said.host
	}
}

// trusts reports whether a proxy of ours is at this address.
func (p *ProxyFix) trusts(addr netip.AddrPort) bool {
	if !addr.IsValid() {
		return p.TrustSockets
	}
	ip := addr.Addr().Unmap().WithZone("")
	return slices.ContainsFunc(p.Trusted, func(network netip.Prefix) bool { return network.Contains(ip) })
}

// unmapped returns a network of IPv4 addresses as IPv4 if it was written as IPv6.
func unmapped(network netip.Prefix) netip.Prefix {
	if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
		return netip.PrefixFrom(addr.Unmap(), network.Bits()-96)
	}
	return network
}

// withPort returns the host of o with another port, or unchanged if the port is not valid.
func withPort(o gateway.Origin, port string) string {
	name, _, ok := hosts.Split(o.Host)
	n, err := strconv.ParseUint(port, 10, 16)
	if !ok || err != nil || n == 0 || strings.Trim(port, "0123456789") != "" {
		return o.Host
	}
	if port = strconv.FormatUint(n, 10); port == hosts.DefaultPort(o.Scheme) {
		return name
	}
	return name + ":" + port
}
