package reload

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// heldPipe returns a pipe whose writer blocks at its second write until the reader has read the
// first. In packet mode (pipe(2), O_DIRECT) each write takes one buffer of the pipe, and this pipe
// has only one.
func heldPipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_DIRECT|unix.O_CLOEXEC); err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	_, err = unix.FcntlInt(uintptr(fds[1]), unix.F_SETPIPE_SZ, os.Getpagesize())
	if err == nil {
		err = unix.SetNonblock(fds[0], true)
	}
	if err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "crash"), os.NewFile(uintptr(fds[1]), "crash"), nil
}

// awaitText waits until there is something to read, and reports false if the writer ended without a
// message.
func awaitText(r *os.File) bool {
	raw, err := r.SyscallConn()
	if err != nil {
		return false
	}
	written := false
	err = raw.Read(func(fd uintptr) bool {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		for {
			n, err := unix.Poll(poll, 0)
			if err == unix.EINTR {
				continue
			}
			written = poll[0].Revents&unix.POLLIN != 0
			return n > 0 || err != nil
		}
	})
	return err == nil && written
}

// letGo lets the writer continue at its own speed.
func letGo(r *os.File) {
	if raw, err := r.SyscallConn(); err == nil {
		// If the system does not allow a larger buffer, the writer continues slowly.
		_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, 1<<20) })
	}
}
