//go:build !linux

package serving

import "net"

// holdNew: only Linux can keep connections from being opened at a listener
// that stays.
func holdNew(net.Listener) {}
