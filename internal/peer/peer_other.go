//go:build !linux

package peer

import (
	"net"
	"net/netip"
)

func credentials(*net.UnixConn) int { return Unknown }

func owner(netip.AddrPort, netip.AddrPort) (uid int, ok bool) { return Unknown, false }
