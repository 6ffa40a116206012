package cgi

import (
	"os"

	"golang.org/x/sys/unix"
)

// hungUp waits until f has no reader, or until over is closed. A web server that has shut down one
// direction of the socket, as Apache does after a body, does not count as gone.
func hungUp(f *os.File, over <-chan struct{}) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		return false
	}
	defer woken.Close()
	go func() {
		<-over
		wake.Close()
	}()
	gone := false
	_ = raw.Control(func(out uintptr) {
		asked := []unix.PollFd{{Fd: int32(out)}, {Fd: int32(woken.Fd())}}
		for {
			if _, err := unix.Poll(asked, -1); err != unix.EINTR {
				break
			}
		}
		gone = asked[0].Revents != 0
	})
	return gone
}
