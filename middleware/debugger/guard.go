package debugger

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"

	"github.com/zeugkit/zeug/gateway"
)

// production returns the environment variable that says this is no place for a
// debugger, as "NAME=value", or "".
func production() string {
	for _, name := range []string{"ZEUG_ENV", "APP_ENV", "GO_ENV", "ENV", "ENVIRONMENT"} {
		switch value := os.Getenv(name); strings.ToLower(value) {
		case "production", "prod", "live":
			return name + "=" + value
		}
	}
	return ""
}

// MayRead reports whether the page may go to who asked: the peer is this
// machine, nothing says that a proxy on it speaks for another one, and the Host
// is one of ours. The last keeps out pages of the web whose own host name was
// made to point here (DNS rebinding).
func (d *Debugger) MayRead(r *http.Request) bool {
	return d.trustsPeer(r) && d.trustsHost(gateway.Received(r).Host) && d.trustsHost(gateway.OriginOf(r).Host)
}

func (d *Debugger) trustsPeer(r *http.Request) bool {
	if !d.peer(gateway.Received(r).Client.Addr(), r.RemoteAddr) || !d.peer(gateway.OriginOf(r).Client.Addr(), r.RemoteAddr) {
		return false
	}
	// A reverse proxy on this machine makes everybody a local peer.
	for _, list := range r.Header.Values("X-Forwarded-For") {
		for item := range strings.SplitSeq(list, ",") {
			addr, err := netip.ParseAddr(strings.TrimSpace(item))
			if err != nil || !d.peer(addr, "") {
				return false
			}
		}
	}
	for _, name := range []string{"Forwarded", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"} {
		for _, value := range r.Header.Values(name) {
			if addr, err := netip.ParseAddr(value); name == "Forwarded" || err != nil || !d.peer(addr, "") {
				return false
			}
		}
	}
	return true
}

// peer reports whether an address may read the page. remote tells a unix
// socket, whose peers are those who may open its file.
func (d *Debugger) peer(addr netip.Addr, remote string) bool {
	if !addr.IsValid() {
		return remote == "" || remote == "@"
	}
	addr = addr.Unmap()
	if addr.IsLoopback() {
		return true
	}
	for _, network := range d.TrustedPeers {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// trustsHost reports whether a Host header names this machine or one of
// TrustedHosts; a port is ignored.
func (d *Debugger) trustsHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.Trim(strings.TrimSuffix(host, "."), "[]"))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsLoopback() {
		return true
	}
	for _, trusted := range d.TrustedHosts {
		trusted = strings.ToLower(trusted)
		if host == strings.TrimPrefix(trusted, ".") || strings.HasPrefix(trusted, ".") && strings.HasSuffix(host, trusted) {
			return true
		}
	}
	return false
}
