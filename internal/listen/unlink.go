package listen

import (
	"io/fs"
	"net"
	"os"
	"sync/atomic"
)

// unixSocket is a unix socket that was opened by its path. Closing it removes
// the file if this process owns the file. The process that opened the socket
// owns it until another process has taken the socket over.
type unixSocket struct {
	*net.UnixListener
	path  string
	file  fs.FileInfo // the file at path when this process got the socket
	owned atomic.Bool
}

func newUnixSocket(l *net.UnixListener, path string) *unixSocket {
	l.SetUnlinkOnClose(false)
	s := &unixSocket{UnixListener: l, path: path}
	s.file, _ = os.Lstat(path)
	return s
}

// Close closes the listener. If this process owns the file, Close removes it,
// unless another program has put its own socket there.
func (s *unixSocket) Close() error {
	if s.owned.Swap(false) && s.file != nil {
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.file) {
			_ = os.Remove(s.path)
		}
	}
	return s.UnixListener.Close()
}

// SetUnlinkOnClose sets whether closing l removes the file of its unix socket. Listeners of [Open]
// remove it, and listeners of [HandedDown] do not. The call has no effect on other listeners: on
// TCP, on descriptors that a parent passed as fd://3, and on sockets that systemd opened: their
// files belong to the parent.
func SetUnlinkOnClose(l net.Listener, unlink bool) {
	if s, ok := l.(*unixSocket); ok {
		s.owned.Store(unlink)
	}
}
