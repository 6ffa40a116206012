//go:build unix

package pidfile

import (
	"io"
	"os"
	"syscall"
)

// lock takes the lock of f, which must be open for writing, for this process. It
// does not wait.
func lock(f *os.File) error {
	l := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	return syscall.FcntlFlock(f.Fd(), syscall.F_SETLK, &l)
}

// holder returns the other process that holds the lock of f.
func holder(f *os.File) (pid int, held bool) {
	l := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if err := syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &l); err != nil || l.Type == syscall.F_UNLCK {
		return 0, false
	}
	return max(int(l.Pid), 0), true
}
