package fastcgi

import (
	"net"
	"os"
)

// Inherited returns the socket that a web server passes as standard input when it starts the
// program (specification, section 2.2). It returns false if standard input is not a listening
// socket.
func Inherited() (net.Listener, bool) {
	if !listens(os.Stdin) {
		return nil, false
	}
	l, err := net.FileListener(os.Stdin)
	return l, err == nil
}
