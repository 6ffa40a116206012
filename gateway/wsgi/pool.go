package wsgi

import (
	"context"
	"slices"
	"sync"
	"time"
)

// pool is the workers and the queue of requests that wait for one.
type pool struct {
	config *Config

	mu         sync.Mutex
	workers    []*worker // that take requests
	all        map[*worker]struct{}
	waiting    []chan *slot
	turn       int // where to look first
	number     int // of the last worker
	generation int // how many reloads have succeeded
	closed     bool
	failure    error // why no worker starts any more
	parent     *parent
	totals     Totals
	exits      sync.WaitGroup

	reloading sync.Mutex
}

// enter takes a worker that is starting into the books, unless the pool is closed.
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

// get returns a slot for a request, waiting for one in the order of arrival.
func (p *pool) get(ctx context.Context) (*slot, error) {
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return nil, ErrClosed
	case len(p.workers) == 0 && p.failure != nil:
		defer p.mu.Unlock()
		return nil, p.failure
	}
	if len(p.waiting) == 0 {
		if s := p.free(); s != nil {
			p.mu.Unlock()
			return s, nil
		}
	}
	if len(p.waiting) >= p.config.MaxQueue {
		p.mu.Unlock()
		return nil, ErrQueueFull
	}
	turn := make(chan *slot, 1)
	p.waiting = append(p.waiting, turn)
	p.mu.Unlock()

	t := time.NewTimer(p.config.QueueTimeout)
	defer t.Stop()
	var err error
	select {
	case s := <-turn:
		if s == nil {
			return nil, p.reason()
		}
		return s, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-t.C:
		err = ErrQueueTimeout
	}
	p.mu.Lock()
	i := slices.Index(p.waiting, turn)
	if i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 {
		if s := <-turn; s != nil { // it came just now
			p.put(s)
		}
	}
	return nil, err
}

// reason is why those who wait are sent away.
func (p *pool) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil && !p.closed {
		return p.failure
	}
	return ErrClosed
}

// free takes a slot of the least busy worker, beginning at another one each time.
// Called with mu held.
func (p *pool) free() *slot {
	var best *worker
	n := len(p.workers)
	for i := range n {
		w := p.workers[(p.turn+i)%n]
		if w.busy < len(w.slots) && (best == nil || w.busy < best.busy) {
			if best = w; w.busy == 0 {
				break
			}
		}
	}
	if best == nil {
		return nil
	}
	p.turn++
	for _, s := range best.slots {
		if !s.busy && s.open {
			s.busy = true
			best.busy++
			return s
		}
	}
	return nil
}

// feed gives free slots to those who wait. Called with mu held.
func (p *pool) feed() {
	for len(p.waiting) > 0 {
		s := p.free()
		if s == nil {
			return
		}
		p.waiting[0] <- s
		p.waiting = slices.Delete(p.waiting, 0, 1)
	}
}

// dismiss sends everybody away who waits. Called with mu held.
func (p *pool) dismiss() {
	for _, turn := range p.waiting {
		close(turn)
	}
	p.waiting = nil
}

// put gives back a slot that has answered a request.
func (p *pool) put(s *slot) {
	w := s.worker
	p.mu.Lock()
	s.busy = false
	w.busy--
	w.served++
	p.totals.Requests++
	worn := w.state == serving && w.limit > 0 && w.served == w.limit
	switch w.state {
	case leaving, dead:
		w.closeIdle()
	case serving:
		p.feed()
	}
	p.mu.Unlock()
	if worn {
		go p.replace(w, "requests")
	}
}

// drop gives back a slot that must not be used again.
func (p *pool) drop(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.busy, s.open = false, false
	s.worker.busy--
	s.close()
}

// avoid gives a worker no more requests: it has ended, or is about to.
func (p *pool) avoid(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(w)
}
