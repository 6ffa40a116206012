package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/middleware"
)

// proxyFix returns the proxies of --proxies and --proxy-headers. Other headers are not believed,
// because a client can send them.
func (s *pythonSettings) proxyFix() (middleware.ProxyFix, error) {
	var fix middleware.ProxyFix
	if s.proxies == "" {
		return fix, nil
	}
	count, err := strconv.Atoi(s.proxies)
	if addresses := count; err == nil {
		if count < 1 || count > 100 {
			return fix, fmt.Errorf("--proxies %d: use 1 or more, or leave it out if there is no proxy", count)
		}
		return fix, s.believe(&fix, addresses, count)
	}
	for name := range strings.SplitSeq(s.proxies, ",") {
		if name == "unix" {
			fix.TrustSockets = true
			continue
		}
		network, err := netip.ParsePrefix(name)
		if addr, addrErr := netip.ParseAddr(name); addrErr == nil {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil {
			return fix, fmt.Errorf("--proxies: %q is not valid: write a number of proxies, a network such as 10.0.0.0/8, or unix", name)
		}
		fix.Trusted = append(fix.Trusted, network)
	}
	return fix, s.believe(&fix, middleware.ByNetwork, 1)
}

// believe makes the given headers count. Headers that name addresses count with one number of
// proxies (or by network), other headers with the other number.
func (s *pythonSettings) believe(fix *middleware.ProxyFix, addresses, others int) error {
	for _, header := range s.proxyHeaders {
		switch header {
		case "for":
			fix.For = addresses
		case "proto":
			fix.Proto = others
		case "host":
			fix.Host = others
		case "port":
			fix.Port = others
		case "prefix":
			fix.Prefix = others
		case "forwarded":
			fix.Forwarded = addresses
		default:
			return fmt.Errorf("--proxy-headers: %q is not one of for, proto, host, port, prefix, forwarded", header)
		}
	}
	if fix.Forwarded != 0 && (fix.For != 0 || fix.Proto != 0 || fix.Host != 0 || fix.Port != 0) {
		return errors.New("--proxy-headers: forwarded takes the place of for, proto, host and port: name those the proxy sets, a client can send the others")
	}
	return nil
}
