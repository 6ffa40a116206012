//go:build unix

package wsgi

import (
	"fmt"
	"os"
	"syscall"
)

// packets is an end of a connection that keeps message boundaries, and on which
// nothing blocks.
type packets int

// packetPair returns the two ends of such a connection, and a second copy of
// the worker's end, from which we can read what the worker would.
func packetPair() (ours, back packets, theirs *os.File, err error) {
	to, from, err := pair(packetSocket)
	if err != nil {
		return 0, 0, nil, err
	}
	syscall.ForkLock.RLock()
	again, err := syscall.Dup(from)
	if err == nil {
		syscall.CloseOnExec(again)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		syscall.Close(to)
		syscall.Close(from)
		return 0, 0, nil, fmt.Errorf("wsgi: use a socket twice: %w", err)
	}
	return packets(to), packets(again), os.NewFile(uintptr(from), "worker"), nil
}

func (p packets) send(message []byte) error { return sendNow(int(p), message) }

// sendNow sends a message, or does not send it if that would block.
func sendNow(fd int, message []byte) error {
	for {
		_, err := syscall.SendmsgN(fd, message, nil, nil, syscall.MSG_DONTWAIT)
		if err != syscall.EINTR {
			return err
		}
	}
}

// receive reads a message, of which the system drops what does not fit into b. It returns 0 if there
// is none.
func (p packets) receive(b []byte) int {
	for {
		n, _, _, _, err := syscall.Recvmsg(int(p), b, nil, syscall.MSG_DONTWAIT)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return 0
		}
		return n
	}
}

func (p packets) close() { syscall.Close(int(p)) }
