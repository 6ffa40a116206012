//go:build unix && (!linux || otherunix)

package wsgi

import "syscall"

// packetSocket is a stream socket: macOS has no local packet socket that says when the other end is
// closed. The threads of a worker read from it one after the other.
const packetSocket = syscall.SOCK_STREAM

// canTakeBack is false, so that no more requests are in that stream than there are threads to read
// them.
const canTakeBack = false

// unread returns the requests that no thread has read whole: the stream ends with them. Nobody may
// read it any more.
func (p packets) unread(sent []*ticket) []*ticket {
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	left := 0
	for n := p.receive(block[:]); n > 0; n = p.receive(block[:]) {
		left += n
	}
	first := len(sent)
	for ; first > 0 && left > 0; first-- {
		left -= min(len(sent[first-1].frame), packetSize)
	}
	return append([]*ticket(nil), sent[first:]...)
}
