// Package proxyprotocol reads the PROXY protocol, versions 1 and 2, by which a
// proxy that passes connections on as they are (HAProxy, nginx's stream, an AWS
// network load balancer) says where a connection came from.
//
//	trusted, err := proxyprotocol.From("10.0.0.0/8")
//	…
//	serving.Main(addr, app, serving.Options{WrapListener: trusted})
//
// A connection from a trusted network must begin with the protocol's header, or
// it is closed; one from anywhere else must not, and its header would be taken
// for a bad request. The protocol itself is github.com/pires/go-proxyproto.
package proxyprotocol

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/pires/go-proxyproto"
)

// headerTime is how long a proxy may take to send its header.
const headerTime = 5 * time.Second

// From returns what wraps a listener so that connections from these networks or
// addresses are those of the clients that their headers name. "unix" stands for
// a proxy that connects by a unix socket.
func From(networks ...string) (func(net.Listener) net.Listener, error) {
	if len(networks) == 0 {
		return nil, errors.New("proxyprotocol: name the networks that proxies connect from, as in 10.0.0.0/8: nobody else is believed")
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
		return &proxyproto.Listener{Listener: l, ConnPolicy: policy, ReadHeaderTimeout: headerTime}
	}, nil
}
