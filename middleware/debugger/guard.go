package debugger

import (
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/peer"
)

// environments are the variables that tell programs which environment they run in, and
// productionValues are their values in production.
var (
	environments = []string{"ZEUG_ENV", "APP_ENV", "GO_ENV", "ENV", "ENVIRONMENT",
		"NODE_ENV", "FLASK_ENV", "RAILS_ENV", "RACK_ENV", "DJANGO_ENV"}
	productionValues = []string{"production", "prod", "prd", "live"}
)

// production returns the environment variable that forbids the debugger, as
// "NAME=value", or "".
func production() string {
	for _, name := range environments {
		value := os.Getenv(name)
		for _, forbidden := range productionValues {
			if strings.EqualFold(strings.TrimSpace(value), forbidden) {
				return name + "=" + value
			}
		}
	}
	return ""
}

// Access is how much of the debugger a client may see.
type Access int

const (
	// Denied clients see nothing of the debugger, not even that there is one.
	Denied Access = iota
	// Locked clients may enter the PIN. Before that they see no source and no output.
	Locked
	// Granted clients see source and output. Variables also need the PIN.
	Granted
)

// Access returns what the client of r may see. Access protects everything that shows source or
// output: the pages of failures, the dashboard, the supervisor's pages of failed builds and starts.
//
// A client is denied everything if one of these holds:
//
//   - The Host is not a name of this machine, and not one of TrustedHosts. This keeps out web pages
//     whose host name was changed to point here (DNS rebinding).
//   - A header field says that a proxy forwards the request of another machine.
//   - The request comes from a page of another site, in a frame or by a script.
//
// Other clients are granted access if one of these holds:
//
//   - The other end of the connection is a process of the user that runs the program, according to
//     the kernel (only on Linux). A reverse proxy runs as another user, an SSH tunnel as the same
//     one.
//   - The address is in one of TrustedPeers.
//   - The browser has sent the PIN, or opened the link that is printed with it.
//
// All other clients are locked out until they enter the PIN. Without a PIN they are denied, except
// for clients at a loopback address whose user the system does not report.
func (d *Debugger) Access(r *http.Request) Access {
	received, origin := gateway.Received(r), gateway.OriginOf(r)
	if !d.trustsHost(received.Host) || !d.trustsHost(origin.Host) || !d.trustsAsker(r) || !d.trustsForwarded(r) {
		return Denied
	}
	// A middleware may have set another client.
	if origin.Client != received.Client && !d.isNear(origin.Client.Addr()) {
		return Denied
	}
	p := peer.Of(r)
	switch {
	case p.Admitted, d.isTrusted(received.Client.Addr()), p.IsOwn(), d.PIN != nil && d.PIN.Admits(r):
		return Granted
	case d.PIN != nil:
		return Locked
	}
	if _, known := p.User(); !known && received.Client.Addr().Unmap().IsLoopback() {
		return Granted
	}
	return Denied
}

// MayRead reports whether the client of r may see source and output now: whether
// [Debugger.Access] is [Granted].
func (d *Debugger) MayRead(r *http.Request) bool { return d.Access(r) == Granted }

// trustsForwarded reports whether each proxy that names itself forwards a request of this machine
// or of a trusted peer, to a trusted host.
func (d *Debugger) trustsForwarded(r *http.Request) bool {
	for _, name := range addressFields {
		for _, list := range r.Header.Values(name) {
			for item := range strings.SplitSeq(list, ",") {
				addr, err := netip.ParseAddr(strings.TrimSpace(item))
				if err != nil || !d.isNear(addr) {
					return false
				}
			}
		}
	}
	for _, name := range proxyFields {
		if r.Header.Values(name) != nil {
			return false
		}
	}
	for _, host := range r.Header.Values("X-Forwarded-Host") {
		if !d.trustsHost(host) {
			return false
		}
	}
	return true
}

// addressFields are header fields in which proxies name the client by address alone, and
// proxyFields are others that only proxies send.
var (
	addressFields = []string{"X-Forwarded-For", "X-Original-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
		"Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "True-Client-Ip", "Fly-Client-Ip", "Fastly-Client-Ip", "X-Envoy-External-Address"}
	proxyFields = []string{"Forwarded", "Via", "X-Forwarded-Server", "X-Forwarded-By"}
)

// trustsAsker reports whether the page from which the browser sent the request
// belongs to this machine, on any port. A page from elsewhere may link here,
// but may not read the response in a frame or by a script.
func (d *Debugger) trustsAsker(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	}
	origin := r.Header.Get("Origin")
	if origin == "" || r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return true
	}
	_, host, ok := strings.Cut(origin, "://")
	return ok && d.trustsHost(host)
}

// isNear reports whether an address belongs to this machine or is trusted.
func (d *Debugger) isNear(addr netip.Addr) bool {
	return addr.Unmap().IsLoopback() || d.isTrusted(addr)
}

// isTrusted reports whether an address is in one of TrustedPeers.
func (d *Debugger) isTrusted(addr netip.Addr) bool {
	for _, network := range d.TrustedPeers {
		if network.Contains(addr.Unmap()) {
			return true
		}
	}
	return false
}

// trustsHost reports whether a Host header names this machine or one of
// TrustedHosts; a port is ignored.
func (d *Debugger) trustsHost(host string) bool {
	if hosts.IsLocal(host) {
		return true
	}
	host = hosts.Bare(host)
	for _, trusted := range d.TrustedHosts {
		trusted = strings.ToLower(trusted)
		if host == strings.TrimPrefix(trusted, ".") || strings.HasPrefix(trusted, ".") && strings.HasSuffix(host, trusted) {
			return true
		}
	}
	return false
}
