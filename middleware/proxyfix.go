package middleware

import (
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
)

// ByNetwork is a count of [ProxyFix]: as many proxies as stand in the networks
// of Trusted, one behind the other.
const ByNetwork = -1

// ProxyFix tells the application who asked, and by which scheme, host and
// prefix, where proxies stand before it (Werkzeug's ProxyFix). What they say is
// validated and becomes the request's [gateway.Origin], its Host and its
// RemoteAddr; URLs, redirects, cookies and the access log follow. Headers stay
// as they came, and [gateway.Received] has what the server itself saw.
//
// Anybody can send these headers: each one counts only as far as a proxy of
// one's own wrote it. A proxy that appends to a header makes its last value
// trustworthy, a second one before it the last but one, so each field below is
// how many proxies set that header, counted from the application. 0, the zero
// value, ignores it. A header with fewer values than that, and a value that is
// not valid, are ignored as well: the Origin then stays what it was.
//
// Values are those of all lines of a header, split at commas and nothing else:
// no quote and no empty value that a client sends can move the ones of a proxy.
type ProxyFix struct {
	// For counts X-Forwarded-For: the client's address, with or without a port.
	// With ByNetwork it is the last one that is not in Trusted.
	For int
	// Proto counts X-Forwarded-Proto: http or https, and ws or wss for the same.
	Proto int
	// Host counts X-Forwarded-Host: see [gateway.ValidHost].
	Host int
	// Port counts X-Forwarded-Port: it replaces the one of the host, and
	// disappears where it is the scheme's own.
	Port int
	// Prefix counts X-Forwarded-Prefix: the path that the proxy removed from the
	// URL, put before the root path. It has no empty segment, no dots for one,
	// and no character that a path has not.
	Prefix int
	// Forwarded counts the elements of Forwarded (RFC 7239), which say address,
	// scheme and host at once. It takes the place of For, Proto, Host and Port.
	// With ByNetwork the element is the first one that an address in Trusted
	// did not send.
	Forwarded int

	// Trusted are the networks of the proxies. Where there are any, a request
	// from elsewhere is left as it is, whatever its headers.
	Trusted []netip.Prefix
	// TrustSockets trusts who has no address, at a unix socket, as if it were in
	// Trusted.
	TrustSockets bool
}

// Wrap returns next behind the proxies. It panics if the settings contradict
// themselves.
func (p ProxyFix) Wrap(next http.Handler) http.Handler {
	p.check()
	p.Trusted = slices.Clone(p.Trusted)
	for i, network := range p.Trusted {
		p.Trusted[i] = unmapped(network)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.concerns(r.Header) {
			next.ServeHTTP(w, r)
			return
		}
		before := gateway.OriginOf(r)
		if after := p.correct(before, r.Header); after != before {
			r = gateway.WithOrigin(r, after)
		}
		next.ServeHTTP(w, r)
	})
}

func (p ProxyFix) check() {
	gated := len(p.Trusted) > 0 || p.TrustSockets
	for name, count := range map[string]int{"For": p.For, "Forwarded": p.Forwarded} {
		if count < ByNetwork {
			panic("middleware.ProxyFix: " + name + " is negative")
		}
		if count == ByNetwork && !gated {
			panic("middleware.ProxyFix: " + name + " is ByNetwork, but Trusted names no network")
		}
	}
	for name, count := range map[string]int{"Proto": p.Proto, "Host": p.Host, "Port": p.Port, "Prefix": p.Prefix} {
		if count < 0 {
			panic("middleware.ProxyFix: " + name + " is negative: only For and Forwarded say who sent them, so only they can be ByNetwork")
		}
	}
	if p.Forwarded != 0 && (p.For != 0 || p.Proto != 0 || p.Host != 0 || p.Port != 0) {
		panic("middleware.ProxyFix: Forwarded is set, and one of For, Proto, Host and Port: trust the one that the proxy sets, a client can send the other")
	}
	for _, network := range p.Trusted {
		if !network.IsValid() {
			panic("middleware.ProxyFix: Trusted has an invalid network")
		}
	}
}

// concerns reports whether the header has a field that counts.
func (p *ProxyFix) concerns(h http.Header) bool {
	return p.For != 0 && h["X-Forwarded-For"] != nil || p.Proto != 0 && h["X-Forwarded-Proto"] != nil ||
		p.Host != 0 && h["X-Forwarded-Host"] != nil || p.Port != 0 && h["X-Forwarded-Port"] != nil ||
		p.Prefix != 0 && h["X-Forwarded-Prefix"] != nil || p.Forwarded != 0 && h["Forwarded"] != nil
}

// correct returns what the headers make of o.
func (p *ProxyFix) correct(o gateway.Origin, h http.Header) gateway.Origin {
	if (len(p.Trusted) > 0 || p.TrustSockets) && !p.trusts(o.Client) {
		return o
	}
	peer := o.Client
	if p.For != 0 {
		if client, ok := p.client(peer, h["X-Forwarded-For"]); ok {
			o.Client = client
		}
	}
	if p.Forwarded != 0 {
		p.forwarded(&o, h["Forwarded"])
	}
	if v, ok := nthLast(h["X-Forwarded-Proto"], p.Proto); ok {
		if scheme, ok := schemeOf(v); ok {
			o.Scheme = scheme
		}
	}
	if v, ok := nthLast(h["X-Forwarded-Host"], p.Host); ok && gateway.ValidHost(v) {
		o.Host = v
	}
	if v, ok := nthLast(h["X-Forwarded-Port"], p.Port); ok {
		o.Host = withPort(o, v)
	}
	if v, ok := nthLast(h["X-Forwarded-Prefix"], p.Prefix); ok {
		if prefix, ok := prefixOf(v); ok {
			o.RootPath = prefix + o.RootPath
		}
	}
	return o
}

// client returns the address that asked the outermost proxy.
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
// wrote, if all from there on are valid.
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

// unmapped returns a network of IPv4 addresses that was written as one of IPv6.
func unmapped(network netip.Prefix) netip.Prefix {
	if addr := network.Addr(); addr.Is4In6() && network.Bits() >= 96 {
		return netip.PrefixFrom(addr.Unmap(), network.Bits()-96)
	}
	return network
}

// withPort returns the host of o with another port, or as it is if that is none.
func withPort(o gateway.Origin, port string) string {
	name, _, ok := gateway.SplitHost(o.Host)
	n, err := strconv.ParseUint(port, 10, 16)
	if !ok || err != nil || n == 0 || strings.Trim(port, "0123456789") != "" {
		return o.Host
	}
	if o.Scheme == "http" && n == 80 || o.Scheme == "https" && n == 443 {
		return name
	}
	return name + ":" + strconv.FormatUint(n, 10)
}
