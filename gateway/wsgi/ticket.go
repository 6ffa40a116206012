package wsgi

import "sync"

// ticket is a request on its way to a worker.
type ticket struct {
	number uint32
	frame  []byte
	moves  chan move // no more than one of them is under way
}

// move says what has happened to a waiting request.
type move struct {
	slot *slot // the slot that it was given
	turn bool  // it is the current request of the slot to which it was sent
	lost bool  // lost with the worker, which had read it
}

// small is the largest frame that may wait in a socket behind others: all of them together fit into
// its buffer.
const small = 8 << 10

// tickets are pooled with the memory of their frames.
var tickets = sync.Pool{New: func() any { return &ticket{moves: make(chan move, 1)} }}

func newTicket(number uint32) *ticket {
	t := tickets.Get().(*ticket)
	t.number, t.frame = number, t.frame[:0]
	return t
}

func (t *ticket) release() {
	select {
	case <-t.moves: // the notice of its turn, once more
	default:
	}
	if cap(t.frame) <= 128<<10 {
		tickets.Put(t)
	}
}

// promote tells a request that it is the current one. It may have been current before, without
// having received that notice or the next one.
func (t *ticket) promote() {
	select {
	case t.moves <- move{turn: true}:
	default:
	}
}

// tell reports another change of a request, whose turn may not have come yet. Called with pool.mu
// held.
func (t *ticket) tell(m move) {
	select {
	case <-t.moves:
	default:
	}
	t.moves <- m
}
