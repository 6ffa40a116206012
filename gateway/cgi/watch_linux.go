package cgi

import (
	"os"

	"golang.org/x/sys/unix"
)

// hungUp waits until nobody reads f any more, or until over. That a web server
// has shut one direction of a socket down, as Apache does behind a body, is not
// meant.
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
