// Package peer tells which user of the system is at the other end of a request's
// connection.
//
// An address alone cannot tell a developer's browser from a reverse proxy that runs
// on the same machine and forwards the requests of strangers. The kernel can: every
// socket has the user id of the process that opened it. For a unix socket the server
// asks for the peer's credentials (SO_PEERCRED). For a TCP connection within this
// machine the other end is a row of /proc/net/tcp or /proc/net/tcp6:
//
//	the connection           127.0.0.1:40112 (client) -> 127.0.0.1:5000 (server)
//	the client's own row     local_address 0100007F:9CB0, rem_address 0100007F:1388, uid 1000
//
// Linux answers both questions. Elsewhere, and for a client in another network
// namespace (a container's published port), the user is unknown.
package peer

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/gateway"
)

// LockedHeader is a field of a response that a supervised application sends if
// the client has to type the debugger's PIN first. The supervisor removes the
// field, and shows browsers the form.
const LockedHeader = "Zeug-Locked"

// Unknown is the UID of a peer whose user the system does not report.
const Unknown = -1

// A Peer is the other end of a request's connection.
type Peer struct {
	// Remote and Local are the two ends of a TCP connection. They are invalid for
	// anything else.
	Remote, Local netip.AddrPort
	// UID is the user id of a unix socket's peer, or Unknown.
	UID int
	// Supervised says that a supervisor has received the request, and asks for the
	// PIN itself. Admitted says that the browser has shown the supervisor the PIN.
	Supervised, Admitted bool
	// Exchange is the number of the request in the supervisor's list of requests, 0 if
	// there is none.
	Exchange int
	// Profile is the rule of the requests of which the supervisor wants a profile, "" if it wants
	// none.
	Profile string
}

type key struct{}

// With returns a context that holds p for [Of].
func With(ctx context.Context, p Peer) context.Context { return context.WithValue(ctx, key{}, p) }

// ConnContext is meant for the field ConnContext of [http.Server]. The function keeps the user id
// of the peer of a unix socket. For other connections it adds nothing.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	for {
		inner, ok := c.(interface{ NetConn() net.Conn })
		if !ok {
			break
		}
		c = inner.NetConn()
	}
	if unix, ok := c.(*net.UnixConn); ok {
		return With(ctx, Peer{UID: credentials(unix)})
	}
	return ctx
}

// Of returns the facts that the server has about the client of r, even if a middleware has changed
// r.RemoteAddr.
func Of(r *http.Request) Peer {
	if p, ok := r.Context().Value(key{}).(Peer); ok {
		return p
	}
	p := Peer{Remote: gateway.Received(r).Client, UID: Unknown}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		p.Local = local.AddrPort()
	}
	return p
}

// User returns the user id of the process that opened the other end of the
// connection. It reports false if the system does not report the user.
func (p Peer) User() (uid int, ok bool) {
	if p.UID != Unknown {
		return p.UID, true
	}
	if p.Remote.IsValid() && p.Local.IsValid() {
		return owner(p.Remote, p.Local)
	}
	return Unknown, false
}

// IsOwn reports whether the other end belongs to the user of this process.
func (p Peer) IsOwn() bool {
	uid, ok := p.User()
	return ok && uid == os.Getuid()
}

// Source names the peer, so that attempts of one peer can be counted. The name is its user if that
// is known, otherwise its address, or for IPv6 its network.
func (p Peer) Source() string {
	if uid, ok := p.User(); ok {
		return "user " + strconv.Itoa(uid)
	}
	addr := p.Remote.Addr().Unmap()
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.String()
		}
	}
	return addr.String()
}

// String writes the peer as one word, for [Parse].
func (p Peer) String() string {
	return p.Remote.String() + "|" + p.Local.String() + "|" + strconv.Itoa(p.UID) + "|" + strconv.FormatBool(p.Admitted) +
		"|" + strconv.Itoa(p.Exchange) + "|" + url.QueryEscape(p.Profile)
}

// Parse reads what [Peer.String] has written. It returns an unknown peer for
// any other string.
func Parse(text string) Peer {
	p := Peer{UID: Unknown}
	parts := strings.Split(text, "|")
	if len(parts) != 6 {
		return p
	}
	uid, err := strconv.Atoi(parts[2])
	if err != nil {
		return p
	}
	p.UID, p.Admitted = uid, parts[3] == "true"
	p.Exchange, _ = strconv.Atoi(parts[4])
	p.Profile, _ = url.QueryUnescape(parts[5])
	// A unix socket has no addresses.
	p.Remote, _ = netip.ParseAddrPort(parts[0])
	p.Local, _ = netip.ParseAddrPort(parts[1])
	return p
}
