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
// machine, nothing says that a proxy on it speaks for another one, the Host is
// one of ours, and the page that asked, if one did, is too. The host keeps out
// pages of the web whose own host name was made to point here (DNS rebinding),
// the last those that have the browser ask on their behalf.
func (d *Debugger) MayRead(r *http.Request) bool {
	return d.trustsPeer(r) && d.trustsHost(gateway.Received(r).Host) && d.trustsHost(gateway.OriginOf(r).Host) && d.trustsAsker(r)
}

func (d *Debugger) trustsPeer(r *http.Request) bool {
	if !d.peer(gateway.Received(r).Client.Addr(), r.RemoteAddr) || !d.peer(gateway.OriginOf(r).Client.Addr(), r.RemoteAddr) {
		return false
	}
	// A reverse proxy on this machine makes everybody a local peer. What it says
	// of the client must be one that may read, in every field.
	for _, name := range addressFields {
		for _, list := range r.Header.Values(name) {
			for item := range strings.SplitSeq(list, ",") {
				addr, err := netip.ParseAddr(strings.TrimSpace(item))
				if err != nil || !d.peer(addr, "") {
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

// addressFields are header fields in which proxies name the client by address
// alone, and proxyFields others by which they tell that they stand in between.
var (
	addressFields = []string{"X-Forwarded-For", "X-Original-Forwarded-For", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip",
		"Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "True-Client-Ip", "Fly-Client-Ip", "Fastly-Client-Ip", "X-Envoy-External-Address"}
	proxyFields = []string{"Forwarded", "Via", "X-Forwarded-Server", "X-Forwarded-By"}
)

// trustsAsker reports whether a page that had the browser send the request is one
// of this machine's, of any port: a page elsewhere may send the browser here, but
// not read along, in a frame or by a script.
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
