//go:build unix

package webserver

import (
	"os"
	"syscall"
)

// listens reports whether connections can be accepted on f. That it is a socket proves nothing:
// inetd and others pass a connection as standard input.
func listens(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	accepts := 0
	err = raw.Control(func(fd uintptr) {
		accepts, _ = syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
	})
	return err == nil && accepts != 0
}
