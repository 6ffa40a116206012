// Package gateway is the contract between a server and an application: what a
// server knows about a request beyond the request itself.
//
// An application is an [net/http.Handler]. CGI and WSGI also have a few facts
// for which an [net/http.Request] has no field: the scheme and host that the client used, the path
// at which the application is mounted, and the client's address. They are an [Origin]. A server
// states it, a proxy fix corrects it, a mount extends its RootPath, and URLs, redirects and cookies
// are made from it.
package gateway

import (
	"context"
	"net/http"
	"net/netip"
)

// Origin says how a request reached the application, from trusted sources only. It is a value:
// changing a copy changes no request.
type Origin struct {
	// Scheme is the protocol that the client used, "http" or "https".
	Scheme string
	// Host is the authority the client asked for, "example.org" or
	// "example.org:8080", as it was sent: it is not validated.
	Host string
	// RootPath is where the application is mounted, percent-encoded: "" or a
	// slash and segments without a slash at the end (CGI's SCRIPT_NAME).
	RootPath string
	// Client is the address of the client. It is the zero AddrPort if there is
	// no address (a unix socket), and its port is 0 when only the address is
	// known.
	Client netip.AddrPort
}

type originKey struct{}

// stated is a context that holds an Origin, and the request that the server
// received.
type stated struct {
	context.Context
	origin   Origin
	received *http.Request
}

func (s *stated) Value(key any) any {
	if key == (originKey{}) {
		return s
	}
	return s.Context.Value(key)
}

func statement(r *http.Request) *stated {
	s, _ := r.Context().Value(originKey{}).(*stated)
	return s
}

// OriginOf returns the Origin that [WithOrigin] last set for r. Without one it
// returns what r itself shows: TLS or not, the Host header, no mount, the
// peer's address.
func OriginOf(r *http.Request) Origin {
	return statement(r).originOf(r)
}

// Received returns the Origin before any middleware corrected it: what the
// server itself saw.
func Received(r *http.Request) Origin {
	if s := statement(r); s != nil {
		return shown(s.received)
	}
	return shown(r)
}

// RootPath is OriginOf(r).RootPath at a lower cost.
func RootPath(r *http.Request) string {
	if s := statement(r); s != nil {
		return s.origin.RootPath
	}
	return ""
}

// WithOrigin returns a shallow copy of r that has the Origin o. The copy's Host
// and RemoteAddr follow o, so that handlers that do not use Origin see the same
// values; r and its headers stay as they are.
func WithOrigin(r *http.Request, o Origin) *http.Request {
	outer := statement(r)
	return restate(r, outer, outer.originOf(r), o)
}

// Correct calls the function correct with the Origin of r, and returns a copy of r
// with the corrected Origin, like [WithOrigin]. It returns r itself if correct
// changes nothing.
func Correct(r *http.Request, correct func(Origin) Origin) *http.Request {
	outer := statement(r)
	before := outer.originOf(r)
	after := correct(before)
	if after == before {
		return r
	}
	return restate(r, outer, before, after)
}

// restated is a stated Origin and the request that carries it, in one allocation.
type restated struct {
	stated
	request http.Request
}

// restate returns a copy of r in which the Origin after replaces the Origin before.
// outer is what was stated about r so far, or nil.
func restate(r *http.Request, outer *stated, before, after Origin) *http.Request {
	s := new(restated)
	s.Context, s.origin, s.received = r.Context(), after, r
	if outer != nil {
		s.received = outer.received
	}
	s.request = *r.WithContext(&s.stated)
	c := &s.request
	c.Host = after.Host
	if after.Client.IsValid() && after.Client != before.Client {
		c.RemoteAddr = after.Client.String()
	}
	return c
}

// originOf returns the Origin of r, given what was stated about r. s may be nil.
func (s *stated) originOf(r *http.Request) Origin {
	if s != nil {
		return s.origin
	}
	return shown(r)
}

// state fills s in for r.
func (s *stated) state(r *http.Request, o Origin) {
	s.Context, s.origin, s.received = r.Context(), o, r
	if outer := statement(r); outer != nil {
		s.received = outer.received
	}
}

func shown(r *http.Request) Origin {
	o := Origin{Scheme: "http", Host: r.Host}
	if r.TLS != nil {
		o.Scheme = "https"
	}
	if client, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		o.Client = client
	} else if addr, err := netip.ParseAddr(r.RemoteAddr); err == nil {
		o.Client = netip.AddrPortFrom(addr, 0)
	}
	return o
}
