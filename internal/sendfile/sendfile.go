// Package sendfile sends a part of a file to a connection from a given offset. So an open file can
// be sent to many connections at once, even if another goroutine uses the file's own position.
// Package net uses the file's own position for sendfile.
package sendfile

import (
	"io"
	"net"
)

// Piece is the best size of one send, in bytes. A server allows time for each
// piece, and a longer piece would block a thread of the scheduler for too long.
const Piece = 256 << 10

// Near reports whether the connection that w has ends on this machine, for
// example at a proxy. If it does, Copy is faster than Send.
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
