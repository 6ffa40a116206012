//go:build !otherunix

package wsgi

import (
	"encoding/binary"
	"slices"
	"syscall"
)

// packetSocket is the kind of a worker's socket for requests.
const packetSocket = syscall.SOCK_SEQPACKET

// canTakeBack says that requests in that socket can be taken back one by one, while threads read.
const canTakeBack = true

// unread takes the requests out of the socket that no thread has read, and returns them in their
// order.
func (p packets) unread(sent []*ticket) (unread []*ticket) {
	head := make([]byte, 8)
	var numbers []uint32
	for p.receive(head) > 0 {
		numbers = append(numbers, binary.BigEndian.Uint32(head[4:]))
	}
	for _, t := range sent {
		if slices.Contains(numbers, t.number) {
			unread = append(unread, t)
		}
	}
	return unread
}
