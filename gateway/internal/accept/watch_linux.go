package accept

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// hungUp waits until the peer has closed its end, even if there are unread bytes before that, or
// until the read deadline. The poller wakes for each piece that arrives, and for the end.
func hungUp(raw syscall.RawConn) (gone bool, err error) {
	err = raw.Read(func(fd uintptr) bool {
		asked := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(asked, 0)
		gone = err == nil && n > 0
		return gone || err != nil && err != unix.EINTR
	})
	return gone, err
}
