package sendfile

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// Send sends n bytes of a file from a place on to the connection of the system
// that w has, as the last writer below net/http's has, and returns how many went
// out: fewer where there is no such connection, at the end of the file, and after
// an error, which a write to w or a read of the file meets again.
func Send(w io.Writer, fd int, at, n int64) (sent int64) {
	sc, ok := w.(syscall.Conn)
	if !ok {
		return 0
	}
	conn, err := sc.SyscallConn()
	if err != nil {
		return 0
	}
	from := at
	conn.Write(func(socket uintptr) bool {
		for n > 0 {
			switch k, err := unix.Sendfile(int(socket), fd, &at, int(min(n, 1<<30))); {
			case err == unix.EINTR:
			case err == unix.EAGAIN:
				return false
			case err != nil || k <= 0:
				return true
			default:
				n -= int64(k)
			}
		}
		return true
	})
	return at - from
}
