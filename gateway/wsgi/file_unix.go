//go:build unix

package wsgi

import (
	"io"
	"syscall"
)

// file is a descriptor that a worker has passed. An os.File would take six system calls to make.
type file int

const noFile = file(-1)

func (f file) descriptor() int { return int(f) }

func (f file) ReadAt(p []byte, at int64) (int, error) {
	for {
		n, err := syscall.Pread(int(f), p, at)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

func (f file) Close() error { return syscall.Close(int(f)) }
