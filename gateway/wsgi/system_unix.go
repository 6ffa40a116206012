//go:build unix

package wsgi

import (
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
)

// rightsSize is the room for the descriptors of one message.
var rightsSize = syscall.CmsgSpace(4 * 8)

// pair returns the two ends of a stream, ours and a worker's.
func pair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, fmt.Errorf("wsgi: make a socket: %w", err)
	}
	for _, fd := range fds {
		// A block that fits, or what the system allows, is sent without waiting for its
		// reader half-way: an upload takes half the switches between the two.
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, blockSize)
	}
	return os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "worker"), nil
}

// requestPair returns the ends of a stream that is only sent to. The network poller,
// which would wake this program whenever the worker has read, has none of ours: it
// blocks, for as long as the time given, where a frame is too long for the buffer of
// the system and the worker does not read.
func requestPair(patience time.Duration) (*os.File, *os.File, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, nil, err
	}
	limit := syscall.NsecToTimeval(max(patience, time.Microsecond).Nanoseconds())
	if err := syscall.SetsockoptTimeval(int(ours.Fd()), syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit); err != nil {
		closeAll([]*os.File{ours, theirs})
		return nil, nil, fmt.Errorf("wsgi: limit the time of a socket: %w", err)
	}
	return ours, theirs, nil
}

// leftUnread reports whether the worker, which has ended, had not read all that was
// sent: the system tells.
func leftUnread(requests *os.File) (unread bool) {
	conn, err := requests.SyscallConn()
	if err != nil {
		return false
	}
	conn.Control(func(fd uintptr) {
		reason, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
		unread = err == nil && syscall.Errno(reason) == syscall.ECONNRESET
	})
	return unread
}

// socketPair returns the ends of a stream that is sent to and read from.
func socketPair() (*net.UnixConn, *os.File, error) {
	ours, theirs, err := pair()
	if err != nil {
		return nil, nil, err
	}
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("wsgi: use a socket: %w", err)
	}
	return conn.(*net.UnixConn), theirs, nil
}

// filesOf takes the descriptors out of a control message.
func filesOf(rights []byte) (files []file, err error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("wsgi: control message: %w", err)
	}
	for _, m := range messages {
		fds, err := syscall.ParseUnixRights(&m)
		if err != nil {
			continue // of another kind
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			files = append(files, file(fd))
		}
	}
	return files, nil
}

// rightsOf is the control message that takes files along.
func rightsOf(files []*os.File) []byte {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return syscall.UnixRights(fds...)
}

// dumpSignal has a worker print the stacks of its threads.
const dumpSignal = syscall.SIGUSR2

// signalOf is the name of the signal that ended a process by its wait status.
func describe(status int) string {
	w := syscall.WaitStatus(status)
	if w.Signaled() {
		return "signal: " + w.Signal().String()
	}
	return fmt.Sprintf("exit status %d", w.ExitStatus())
}
