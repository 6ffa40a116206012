package fastcgi

import (
	"net"
	"os"
)

// Inherited returns the socket that a web server has put in the place of standard input when it
// started the program (specification, section 2.2). It returns false if standard input is not a
// listening socket.
func Inherited() (net.Listener, bool) {
	if !listens(os.Stdin) {
		return nil, false
	}
	l, err := net.FileListener(os.Stdin)
	return l, err == nil
}
