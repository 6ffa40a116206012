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

// pair returns the two ends of a connection: ours and a worker's.
func pair(kind int) (ours, theirs int, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, kind, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, -1, fmt.Errorf("wsgi: make a socket: %w", err)
	}
	for _, fd := range fds {
		// With a buffer for a whole block, or as much of it as the system allows, the sender need
		// not wait in the middle of a block. So an upload takes half as many context switches.
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_SNDBUF, blockSize)
	}
	return fds[0], fds[1], nil
}

// sendPair returns the ends of a stream in one direction. The network poller does not watch the
// socket: it would wake this program whenever the worker has read. If a frame is too long for the
// buffer of the system and the worker does not read, a send blocks for at most the given time.
func sendPair(patience time.Duration) (*os.File, *os.File, error) {
	ours, theirs, err := pair(syscall.SOCK_STREAM)
	if err != nil {
		return nil, nil, err
	}
	limit := syscall.NsecToTimeval(max(patience, time.Microsecond).Nanoseconds())
	if err := syscall.SetsockoptTimeval(ours, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &limit); err != nil {
		syscall.Close(ours)
		syscall.Close(theirs)
		return nil, nil, fmt.Errorf("wsgi: limit the time of a socket: %w", err)
	}
	return os.NewFile(uintptr(ours), "worker"), os.NewFile(uintptr(theirs), "worker"), nil
}

// socketPair returns the ends of a stream in both directions.
func socketPair() (*net.UnixConn, *os.File, error) {
	fd, theirs, err := pair(syscall.SOCK_STREAM)
	if err != nil {
		return nil, nil, err
	}
	ours := os.NewFile(uintptr(fd), "worker")
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		syscall.Close(theirs)
		return nil, nil, fmt.Errorf("wsgi: use a socket: %w", err)
	}
	return conn.(*net.UnixConn), os.NewFile(uintptr(theirs), "worker"), nil
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

// rightsOf returns the control message that carries the files.
func rightsOf(files []*os.File) []byte {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return syscall.UnixRights(fds...)
}

// dumpSignal makes a worker print the stacks of its threads.
const dumpSignal = syscall.SIGUSR2

// describe says how a process ended, according to its wait status.
func describe(status int) string {
	w := syscall.WaitStatus(status)
	if w.Signaled() {
		return "signal: " + w.Signal().String()
	}
	return fmt.Sprintf("exit status %d", w.ExitStatus())
}
