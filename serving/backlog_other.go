//go:build !linux

package serving

import "net"

// holdNew does nothing: only Linux can prevent new connections at a listener
// that stays open.
func holdNew(net.Listener) {}
