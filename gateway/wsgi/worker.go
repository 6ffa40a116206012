package wsgi

import (
	"math/rand/v2"
	"os"
	"time"
)

// state is the stage of a worker's life.
type state int

const (
	beginning state = iota
	ready           // not in service yet
	serving
	leaving // accepts no more requests, and finishes the running ones
	dead
)

// worker is a process with its slots. The fields that change are guarded by pool.mu.
type worker struct {
	pool    *pool
	number  int
	process process
	parent  *parent // the parent that forked it, or nil
	control *channel
	slots   []*slot
	begun   time.Time

	requests packets // the socket of its requests
	back     packets // the other end of it, from which they can be taken back
	closed   bool    // both

	state      state
	generation int       // the generation of the pool when it was started: a reload replaces older workers
	ending     bool      // another worker is being started to replace it
	threads    int       // slots that are open
	sent       []*ticket // in the order in which they were sent, until a thread answers
	running    int       // slots with a response that is not read to its end
	served     int       // requests
	limit      int       // how many requests it may serve, 0 if there is no limit

	lifetime, memory *time.Timer
}

// newWorker starts a worker and waits until it is ready, or says why it is not.
func (p *pool) newWorker(from *parent, generation int) (*worker, error) {
	c := p.config
	w := &worker{pool: p, parent: from, begun: time.Now(), generation: generation}
	var theirs []*os.File
	conn, f, err := socketPair()
	if err != nil {
		return nil, err
	}
	w.control, theirs = newChannel(conn, conn), append(theirs, f)
	requests, back, f, err := packetPair()
	if err != nil {
		closeAll(theirs)
		w.control.close()
		return nil, err
	}
	w.requests, w.back, theirs = requests, back, append(theirs, f)
	for range c.Threads {
		s, ends, err := w.newSlot()
		if err != nil {
			closeAll(theirs)
			w.close()
			return nil, err
		}
		w.slots, theirs = append(w.slots, s), append(theirs, ends...)
	}
	w.threads = len(w.slots)
	if from != nil {
		// A nil *forked in the interface would not be nil.
		child, err := from.fork(c, theirs)
		if err != nil {
			w.close()
			return nil, err
		}
		w.process = child
	} else {
		child, err := start(c, false, theirs)
		if err != nil {
			w.close()
			return nil, err
		}
		w.process = child
	}
	if !p.enter(w) {
		w.process.kill()
		w.close()
		return nil, ErrClosed
	}
	err = starting(c, w.control, w.process)
	p.mu.Lock()
	if err == nil && p.closed {
		err = ErrClosed
	}
	if err == nil {
		w.state = ready
		if c.MaxRequests > 0 {
			w.limit = c.MaxRequests + rand.IntN(c.MaxRequestsJitter+1)
		}
	}
	p.mu.Unlock()
	for _, s := range w.slots {
		go p.listen(s)
	}
	go p.await(w)
	if err != nil {
		w.process.kill()
		return nil, err
	}
	return w, nil
}

func (w *worker) close() {
	w.closeRequests()
	w.control.close()
	for _, s := range w.slots {
		s.close()
	}
}

// closeRequests closes the socket of the requests of a worker that has to leave. Its threads still read the
// requests in it, and then end. Called with pool.mu held, or before others know the worker.
func (w *worker) closeRequests() {
	if !w.closed {
		w.closed = true
		w.requests.close()
		w.back.close()
	}
}

// killAfter ends the process if it has not ended by itself.
func (w *worker) killAfter(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.process.ended():
	case <-t.C:
		w.pool.config.Logger.Warn("wsgi: a worker did not finish in time and is killed", "pid", w.process.pid(), "after", d)
		w.process.kill()
	}
}
