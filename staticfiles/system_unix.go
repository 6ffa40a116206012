//go:build unix

package staticfiles

import (
	"errors"
	"io/fs"
	"syscall"
)

// openFlags keep an open from blocking: opening a named pipe would wait for a writer.
const openFlags = syscall.O_NONBLOCK

func inode(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}

// exhausted reports whether err is about the machine, not about the file: then
// "no such file" would be wrong.
func exhausted(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EIO, syscall.ESTALE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
