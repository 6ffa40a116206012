package wsgi

import (
	"sync"
	"time"
)

// ticket is a request on its way to a thread of a worker.
type ticket struct {
	number uint32
	frame  []byte
	moves  chan move // no more than one of them is under way

	// Guarded by pool.mu.
	worker *worker   // the worker to whose socket it was sent, until a thread answers
	queued time.Time // when it came
	since  time.Time // when a thread was free to read it; zero while all had earlier requests
}

// move ends the wait of a request: a thread answers it, or it gets no answer.
type move struct {
	slot *slot
	err  error
}

// small is the largest frame that may wait in a socket: all of them together fit into its buffer.
const small = 8 << 10

// tickets are pooled with the memory of their frames.
var tickets = sync.Pool{New: func() any { return &ticket{moves: make(chan move, 1)} }}

func newTicket(number uint32) *ticket {
	t := tickets.Get().(*ticket)
	t.number, t.frame = number, t.frame[:0]
	return t
}

func (t *ticket) release() {
	if cap(t.frame) <= 128<<10 {
		t.worker, t.since = nil, time.Time{}
		tickets.Put(t)
	}
}
