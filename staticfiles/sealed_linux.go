package staticfiles

import (
	"fmt"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// sealedFile returns a file in memory that has body and that nobody can change.
func sealedFile(body []byte) (fd int, err error) {
	fd, err = unix.MemfdCreate("static file", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, fmt.Errorf("memory for a static file: %w", err)
	}
	for rest := body; len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil && err != unix.EINTR {
			unix.Close(fd)
			return -1, fmt.Errorf("memory for a static file: %w", err)
		}
		rest = rest[max(n, 0):]
	}
	const all = unix.F_SEAL_WRITE | unix.F_SEAL_GROW | unix.F_SEAL_SHRINK | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, all); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("seal the memory for a static file: %w", err)
	}
	return fd, nil
}

func closeSealed(fd int) { unix.Close(fd) }

// sendfile sends n bytes from a place on to the connection that w has, and
// returns how many went out: fewer where there is no such connection, or an
// error of it.
func (m *sealed) sendfile(w io.Writer, at int64, n int) (sent int64) {
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
			switch k, err := unix.Sendfile(int(socket), m.fd, &at, n); {
			case err == unix.EINTR:
			case err == unix.EAGAIN:
				return false
			case err != nil || k <= 0:
				return true
			default:
				n -= k
			}
		}
		return true
	})
	return at - from
}
