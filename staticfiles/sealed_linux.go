package staticfiles

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// sealedFile returns a file in memory that contains body and cannot be changed.
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
