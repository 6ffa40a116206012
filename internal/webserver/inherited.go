// Package webserver finds out how a web server has started this program: for one request of CGI, or
// as a process of FastCGI with a socket.
package webserver

import (
	"net"
	"os"
)

// Inherited returns the socket that a web server passes as standard input when it starts the
// program (FastCGI specification, section 2.2). It returns false if standard input is not a listening
// socket.
func Inherited() (net.Listener, bool) {
	if !listens(os.Stdin) {
		return nil, false
	}
	l, err := net.FileListener(os.Stdin)
	return l, err == nil
}
