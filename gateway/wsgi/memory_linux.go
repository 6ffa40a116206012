package wsgi

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharedMemory maps a file in memory that cannot shrink.
func sharedMemory(f *os.File, size int) ([]byte, error) {
	seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil {
		return nil, fmt.Errorf("wsgi: shared memory: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("wsgi: shared memory: %w", err)
	}
	if seals&unix.F_SEAL_SHRINK == 0 || info.Size() < int64(size) {
		return nil, errors.New("wsgi: shared memory that can shrink")
	}
	return syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ, syscall.MAP_SHARED)
}

func unmap(region []byte) {
	if region != nil {
		syscall.Munmap(region)
	}
}
