// Package proxyprotocol reads the PROXY protocol, versions 1 and 2, with which a proxy that passes
// on connections unchanged (HAProxy, nginx's stream, an AWS network load balancer) tells where a
// connection came from.
//
//	trusted, err := proxyprotocol.From("10.0.0.0/8")
//	…
//	serving.MainWith(addr, app, serving.Options{WrapListener: trusted})
//
// A connection from a trusted network must begin with the protocol's header. Otherwise it is
// closed, and the log says so at most once a minute. A connection from elsewhere must not begin
// with it: such a header is a bad request. The protocol is implemented by
// github.com/pires/go-proxyproto.
package proxyprotocol

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/zeugkit/zeug/internal/serverlog"
)

// headerTime is how long a proxy may take to send its header.
const headerTime = 5 * time.Second

// From returns a function that wraps a listener. It makes connections from these networks or
// addresses count as connections of the clients that their headers name. "unix" stands for a proxy
// that connects through a unix socket.
func From(networks ...string) (func(net.Listener) net.Listener, error) {
	if len(networks) == 0 {
		return nil, errors.New("proxyprotocol: name the networks from which proxies connect, as in 10.0.0.0/8: only these are believed")
	}
	var trusted []netip.Prefix
	unix := false
	for _, text := range networks {
		if text == "unix" {
			unix = true
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, errAddr := netip.ParseAddr(text)
			if errAddr != nil {
				return nil, fmt.Errorf("proxyprotocol: %q is neither a network, as 10.0.0.0/8, nor an address: %w", text, err)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		trusted = append(trusted, prefix.Masked())
	}
	believes := func(addr net.Addr) bool {
		if _, ok := addr.(*net.UnixAddr); ok {
			return unix
		}
		peer, err := netip.ParseAddrPort(addr.String())
		if err != nil {
			return false
		}
		for _, network := range trusted {
			if network.Contains(peer.Addr().Unmap()) {
				return true
			}
		}
		return false
	}
	policy := func(o proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
		if believes(o.Upstream) {
			return proxyproto.REQUIRE, nil
		}
		return proxyproto.SKIP, nil
	}
	return func(l net.Listener) net.Listener {
		return &listener{
			Listener: &proxyproto.Listener{Listener: counting{l}, ConnPolicy: policy, ReadHeaderTimeout: headerTime},
			logger:   slog.Default(),
		}
	}, nil
}

// listener logs refused headers.
type listener struct {
	net.Listener
	logger *slog.Logger
	seldom serverlog.Seldom
}

// SetLogger sets where refused headers are logged, which is [slog.Default]
// otherwise. A server of package serving sets its own.
func (l *listener) SetLogger(logger *slog.Logger) { l.logger = logger }

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if proxied, ok := c.(*proxyproto.Conn); ok && err == nil {
		return &conn{Conn: proxied, l: l}, nil
	}
	return c, err
}

// conn is a connection that must begin with a header.
type conn struct {
	*proxyproto.Conn
	l    *listener
	once sync.Once
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.once.Do(func() { c.report(err) })
	return n, err
}

// report logs that the header was refused. If a proxy only tests whether a program listens, it
// sends nothing, and that is not logged.
func (c *conn) report(err error) {
	raw, ok := c.Raw().(*counted)
	if err == nil || !ok || raw.heard.Load() == 0 || c.ProxyHeader() != nil {
		return
	}
	c.l.seldom.Warn(c.l.logger, "a connection of a trusted proxy is refused: it does not begin with a header of the PROXY protocol", "peer", raw.RemoteAddr().String(), "err", err)
}

// counting counts the bytes that arrive at the connections of a listener.
type counting struct{ net.Listener }

func (l counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &counted{Conn: c}, nil
}

type counted struct {
	net.Conn
	heard atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.heard.Add(int64(n))
	return n, err
}

// ReadFrom keeps sendfile possible.
func (c *counted) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := c.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
}

// NetConn returns the connection of the system.
func (c *counted) NetConn() net.Conn { return c.Conn }
