package wsgi

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"
)

// A slot is a thread of a worker, as this process sees it: the streams for what a request needs
// later and for its response, and the memory that the two share. All threads of a worker read
// requests from one socket (worker.go), so it is the system that chooses the thread. The thread
// says which request it has read when it begins to answer.
type slot struct {
	*channel
	words   syscall.RawConn // of the socket it sends to
	worker  *worker
	regions regions
	intake  []byte // shared memory for bodies, once a request needed it

	request uint32        // the number of the current one
	asks    bool          // the thread waits for a word before it reads another request
	next    chan struct{} // says that the response has been read; closed if no other one will be

	// Guarded by pool.mu.
	open  bool
	since time.Time // when a thread was free to read the current request, zero if there is none
}

// newSlot returns a slot and the worker's ends of its sockets.
func (w *worker) newSlot() (*slot, []*os.File, error) {
	to, input, err := sendPair(w.pool.config.RequestTimeout)
	if err != nil {
		return nil, nil, err
	}
	conn, output, err := socketPair()
	if err != nil {
		closeAll([]*os.File{to, input})
		return nil, nil, err
	}
	words, _ := to.SyscallConn() // this does not fail for an open file
	s := &slot{channel: newChannel(conn, to), words: words, worker: w, next: make(chan struct{}, 1), open: true}
	return s, []*os.File{input, output}, nil
}

// close releases everything that a slot has.
func (s *slot) close() {
	s.channel.close()
	s.regions.close()
	unmap(s.intake)
	s.intake = nil
}

// afterEnd is how long to wait for the rest of a worker's output once it has ended: a child of the
// application may hold the other end of the stream open.
const afterEnd = 100 * time.Millisecond

// patience restarts the time within which the thread must send something; without a limit if d is 0.
func (s *slot) patience(d time.Duration) {
	until := time.Time{}
	if d > 0 {
		until = time.Now().Add(d)
	}
	s.conn.SetReadDeadline(until)
	if hasEnded(s.worker.process) {
		// The worker may have ended before this deadline replaced the shorter one of pool.await.
		s.conn.SetReadDeadline(time.Now().Add(afterEnd))
	}
}

var errOutOfStep = errors.New("wsgi: a thread says something other than which request it answers")

// answered waits until the thread answers a request, however long that takes, and returns its number.
func (s *slot) answered() (number uint32, err error) {
	for {
		kind, n, err := s.header()
		if err == nil && (kind != 'R' || n != 4) {
			err = errOutOfStep
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && !hasEnded(s.worker.process) {
			s.patience(0) // the limit was that of the request before
			continue
		}
		if err != nil {
			return 0, err
		}
		b, err := s.peek(4)
		if err != nil {
			return 0, err
		}
		s.discard(4)
		return binary.BigEndian.Uint32(b), nil
	}
}

// sendRest sends the part of a request's frame that did not fit into the message.
func (s *slot) sendRest(t *ticket) error {
	if len(t.frame) <= packetSize {
		return nil
	}
	return s.send('D', t.number, append(make([]byte, 8, 8+len(t.frame)-packetSize), t.frame[packetSize:]...))
}

// clientGone tells the worker that the client of a request has left. A thread that has started
// another request skips the message. Sending the message never blocks. If an application never
// reads, its messages fill the socket, and later ones are dropped.
func (s *slot) clientGone(request uint32) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.words.Control(func(fd uintptr) {
		sendNow(int(fd), binary.BigEndian.AppendUint32([]byte{'X', 0, 0, 4}, request))
	})
}
