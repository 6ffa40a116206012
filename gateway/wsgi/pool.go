package wsgi

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// pool holds the workers and the queue of requests that wait for one.
type pool struct {
	config *Config
	last   atomic.Uint32 // number of a request

	buffers budget // for responses that wait for clients

	mu         sync.Mutex
	workers    []*worker // that take requests
	all        map[*worker]struct{}
	waiting    []*ticket // that are in no socket
	turn       int       // the index of the worker at which free begins
	number     int       // of the newest worker
	generation int       // how many reloads have succeeded
	closed     bool
	failure    error // why no worker starts any more
	parent     *parent
	totals     Totals
	exits      sync.WaitGroup

	reloading sync.Mutex
}

// enter registers a worker that is starting, unless the pool is closed.
func (p *pool) enter(w *worker) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.number++
	w.number = p.number
	p.totals.Started++
	p.all[w] = struct{}{}
	p.exits.Add(1)
	return true
}

// take sends a request to a worker, and returns the slot that answers it once it does. A
// [silentError] is the error of a worker that does not answer in time.
func (p *pool) take(ctx context.Context, t *ticket) (*slot, error) {
	if err := p.place(t); err != nil {
		return nil, err
	}
	timer := time.NewTimer(min(p.config.QueueTimeout, p.config.RequestTimeout))
	defer timer.Stop()
	left := ctx.Done()
	for {
		select {
		case m := <-t.moves:
			return m.slot, m.err
		case <-left:
			if p.withdraw(t) {
				return nil, ctx.Err()
			}
			left = nil // a thread has read it, and will answer
		case <-timer.C:
			more, err := p.overdue(t)
			if err != nil {
				return nil, err
			}
			timer.Reset(more)
		}
	}
}

// place sends a request to a worker, or queues it.
func (p *pool) place(t *ticket) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return ErrClosed
	case len(p.workers) == 0 && p.failure != nil:
		return p.failure
	}
	now := time.Now()
	t.worker, t.queued, t.since = nil, now, time.Time{}
	if len(p.waiting) > 0 || p.free() == nil {
		if p.queued() >= p.config.MaxQueue {
			return ErrQueueFull
		}
	}
	if len(p.waiting) > 0 || !p.dispatch(t, now) {
		p.waiting = append(p.waiting, t)
	}
	return nil
}

// queued is how many requests wait, here and in the sockets of workers. Called with mu held.
func (p *pool) queued() int {
	n := len(p.waiting)
	for _, w := range p.workers {
		n += w.waiting()
	}
	return n
}

// withdraw removes a request whose client has gone, and reports whether no thread has read it.
func (p *pool) withdraw(t *ticket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.forget(t, time.Now())
}

// forget removes a request that waits, and reports whether it did. Called with mu held.
func (p *pool) forget(t *ticket, now time.Time) bool {
	if i := slices.Index(p.waiting, t); i >= 0 {
		p.waiting = slices.Delete(slices.Clone(p.waiting), i, i+1)
		return true
	}
	if t.worker == nil {
		return false // its move is under way
	}
	unread := t.worker.takeBack()
	i := slices.Index(unread, t)
	if i >= 0 {
		unread = slices.Delete(unread, i, i+1)
	}
	p.requeue(unread, now)
	return i >= 0
}

// silentError says that no thread of a worker answers a request in time.
type silentError struct{ worker *worker }

func (silentError) Error() string { return ErrTimeout.Error() }

func (silentError) Unwrap() error { return ErrTimeout }

// overdue returns how much longer a request may wait, or why it may wait no longer.
func (p *pool) overdue(t *ticket) (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	w := t.worker
	if w == nil && !slices.Contains(p.waiting, t) {
		return time.Second, nil // its move is under way
	}
	if w == nil || t.since.IsZero() {
		if left := p.config.QueueTimeout - now.Sub(t.queued); left > 0 {
			return left, nil
		}
		if p.forget(t, now) {
			return 0, ErrQueueTimeout
		}
		t.since = now // a thread has just read it
	}
	if left := p.config.RequestTimeout - now.Sub(t.since); left > 0 {
		return left, nil
	}
	w.sent = slices.DeleteFunc(w.sent, func(other *ticket) bool { return other == t })
	t.worker = nil
	return 0, silentError{w}
}

// begun ends the wait of a request that a thread answers. It returns nil if nobody waits for that
// request.
func (p *pool) begun(s *slot, number uint32) *ticket {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := s.worker
	i := slices.IndexFunc(w.sent, func(t *ticket) bool { return t.number == number })
	if i < 0 || !s.open {
		return nil
	}
	t := w.sent[i]
	w.sent = slices.Delete(w.sent, i, i+1)
	w.running++
	s.request, s.since = number, t.since
	t.worker = nil
	return t
}

// listen hands a slot to each request that its thread answers, one after the other, until the thread
// has ended.
func (p *pool) listen(s *slot) {
	for {
		number, err := s.answered()
		var t *ticket
		if err == nil {
			t = p.begun(s, number)
		}
		if t == nil {
			p.end(s)
			return
		}
		t.moves <- move{slot: s}
		if _, more := <-s.next; !more {
			return
		}
	}
}

// end gives up a slot without a request: its thread has ended, or says what nobody expects.
func (p *pool) end(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.close(s)
	if s.worker.state < leaving {
		p.remove(s.worker)
		s.worker.process.kill()
	}
}

// close closes a slot. Once no thread of the worker can answer any more, the requests go to others
// that no thread had read, and those are lost that one had. Called with mu held.
func (p *pool) close(s *slot) {
	w := s.worker
	s.open = false
	s.close()
	if w.threads--; w.threads > 0 {
		return
	}
	unread := w.takeBack()
	for _, t := range w.sent {
		t.worker = nil
		t.moves <- move{err: &lostError{errors.New("it ended with the request")}}
	}
	w.sent = nil
	p.requeue(unread, time.Now())
}

// dismiss answers all waiting requests with an error. Called with mu held.
func (p *pool) dismiss() {
	err := p.failure
	if err == nil || p.closed {
		err = ErrClosed
	}
	for _, t := range p.waiting {
		t.moves <- move{err: err}
	}
	p.waiting = nil
}

// put returns a slot whose response has been read.
func (p *pool) put(s *slot) {
	if s.asks {
		s.asks = false
		s.send('G', s.request, make([]byte, 8)) // if this fails, the thread has ended
	}
	w := s.worker
	p.mu.Lock()
	now := time.Now()
	w.running--
	s.since = time.Time{}
	w.mark(now)
	w.served++
	p.totals.Requests++
	worn := w.state == serving && w.limit > 0 && w.served == w.limit
	p.feed(now)
	if w.state == serving {
		p.relieve(w, now)
	}
	p.mu.Unlock()
	s.next <- struct{}{}
	if worn {
		go p.replace(w, "requests")
	}
}

// drop gives up a slot in the midst of a response.
func (p *pool) drop(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.worker.running--
	p.close(s)
	close(s.next)
}

// avoid gives a worker no more requests: it has ended, or is about to.
func (p *pool) avoid(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(w)
}
