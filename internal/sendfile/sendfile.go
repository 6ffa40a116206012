// Package sendfile sends a part of a file to a connection from a given offset, so that an open
// file may be sent to many connections at once, and a file whose own position another goroutine
// uses. Package net reads files that it sends by sendfile from the file's own position.
package sendfile

import (
	"io"
	"net"
)

// Piece is how much is best sent at once, in bytes: a server gives each piece time
// of its own, and a longer one keeps a thread of the scheduler for too long.
const Piece = 256 << 10

// Near reports whether the connection that w has ends on this machine, at a proxy
// for one: then Copy carries more than Send.
func Near(w io.Writer) bool {
	conn, ok := w.(interface{ RemoteAddr() net.Addr })
	if !ok {
		return false
	}
	switch peer := conn.RemoteAddr().(type) {
	case *net.TCPAddr:
		return peer.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}
