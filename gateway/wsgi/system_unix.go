//go:build unix

package wsgi

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// rightsSize is the room for the descriptors of one message.
var rightsSize = syscall.CmsgSpace(4 * 8)

// socketPair returns two ends of a stream: ours, and a worker's.
func socketPair() (*net.UnixConn, *os.File, error) {
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
	ours := os.NewFile(uintptr(fds[0]), "worker")
	conn, err := net.FileConn(ours)
	ours.Close()
	theirs := os.NewFile(uintptr(fds[1]), "worker")
	if err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("wsgi: use a socket: %w", err)
	}
	return conn.(*net.UnixConn), theirs, nil
}

// filesOf takes the descriptors out of a control message.
func filesOf(rights []byte) (files []*os.File, err error) {
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
			files = append(files, os.NewFile(uintptr(fd), "answer"))
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
