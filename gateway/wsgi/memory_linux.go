//go:build !otherunix

package wsgi

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharesMemory says that large bodies go through memory that the server and a worker share.
const sharesMemory = true

// sharedMemory maps a file in memory that cannot shrink.
func sharedMemory(f file, size int) ([]byte, error) {
	seals, err := unix.FcntlInt(uintptr(f), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, fmt.Errorf("wsgi: shared memory: %w", err)
	}
	var info unix.Stat_t
	if err := unix.Fstat(int(f), &info); err != nil {
		return nil, fmt.Errorf("wsgi: shared memory: %w", err)
	}
	if seals&unix.F_SEAL_SHRINK == 0 || info.Size < int64(size) {
		return nil, errors.New("wsgi: shared memory that can shrink")
	}
	return syscall.Mmap(int(f), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
}

func unmap(region []byte) {
	if region != nil {
		syscall.Munmap(region)
	}
}
