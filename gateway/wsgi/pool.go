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
	waiting    []*ticket
	ahead      int  // requests that wait in the sockets of slots
	looking    bool // for slow requests, from time to time
	turn       int  // the index of the worker at which free begins
	number     int  // of the newest worker
	generation int  // how many reloads have succeeded
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

// take sends a request to a worker and returns the slot once the request is the current one there.
// Other requests get their slots in the order of arrival. If the error is an errUnread, the slot is
// returned too.
func (p *pool) take(ctx context.Context, t *ticket) (*slot, error) {
	given, err := p.place(t)
	if err != nil {
		return nil, err
	}
	var sentTo *slot
	var timeout *time.Timer
	for {
		if given != nil {
			current, err := given.submit(t, p.config.RequestTimeout)
			switch {
			case current:
				return given, err
			case err != nil:
				p.refuse(given, t)
			default:
				sentTo = given
			}
			given = nil
		}
		if timeout == nil {
			timeout = time.NewTimer(p.config.QueueTimeout)
			defer timeout.Stop()
		}
		var m move
		select {
		case m = <-t.moves:
		case <-ctx.Done():
			if p.withdraw(sentTo, t) {
				return nil, ctx.Err()
			}
			m = <-t.moves // a worker has it, and it will soon be the current one
		case <-timeout.C:
			if p.withdraw(sentTo, t) {
				return nil, ErrQueueTimeout
			}
			m = <-t.moves
		}
		switch {
		case m.turn:
			if sentTo.await(t, p.config.RequestTimeout) {
				return sentTo, nil
			}
		case m.lost:
			return nil, &lostError{errors.New("it ended with the request before"), false}
		case m.slot == nil:
			return nil, p.reason()
		default:
			given, sentTo = m.slot, nil
		}
	}
}

// place gives a request to a slot, or queues it.
func (p *pool) place(t *ticket) (*slot, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, ErrClosed
	case len(p.workers) == 0 && p.failure != nil:
		return nil, p.failure
	}
	if len(p.waiting) == 0 {
		if s := p.free(); s != nil {
			p.give(s, t)
			return s, nil
		}
	}
	if len(p.waiting)+p.ahead >= p.config.MaxQueue {
		return nil, ErrQueueFull
	}
	if len(p.waiting) == 0 {
		if s := p.behind(t); s != nil {
			p.give(s, t)
			return s, nil
		}
	}
	p.waiting = append(p.waiting, t)
	return nil, nil
}

// give counts a request for a slot. Called with mu held.
func (p *pool) give(s *slot, t *ticket) {
	if s.load == 0 {
		s.since = time.Now()
		s.alone = len(t.frame) > small
	}
	p.setLoad(s, s.load+1)
}

// setLoad says how many requests a slot has. Called with mu held.
func (p *pool) setLoad(s *slot, n int) {
	if !s.open {
		return
	}
	p.ahead += max(n-1, 0) - max(s.load-1, 0)
	s.worker.busy += min(n, 1) - min(s.load, 1)
	s.load = n
	if p.ahead > 0 && !p.looking {
		p.looking = true
		time.AfterFunc(lookEvery, p.look)
	}
}

// refuse puts a request that a slot did not take back to the front of the queue.
func (p *pool) refuse(s *slot, t *ticket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requeue(s, []*ticket{t})
	p.feed()
}

// withdraw removes a waiting request, and reports whether no worker will get it. s is the slot to
// which it was sent, if any.
func (p *pool) withdraw(s *slot, t *ticket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.feed()
	if i := slices.Index(p.waiting, t); i >= 0 {
		p.waiting = slices.Delete(p.waiting, i, i+1)
		return true
	}
	select {
	case m := <-t.moves: // just now
		if m.turn {
			t.promote()
			return false
		}
		if m.lost {
			t.tell(m)
			return false
		}
		if m.slot != nil {
			p.setLoad(m.slot, m.slot.load-1)
			p.closeIdle(m.slot.worker)
		}
		return true
	default:
	}
	ahead := s.recall()
	i := slices.Index(ahead, t)
	if i >= 0 {
		ahead = slices.Delete(ahead, i, i+1)
		p.setLoad(s, s.load-1)
	}
	p.requeue(s, ahead)
	return i >= 0
}

// reason returns why the waiting requests are refused.
func (p *pool) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil && !p.closed {
		return p.failure
	}
	return ErrClosed
}

// free returns a slot without a request, of the least busy worker. Each call begins at another
// worker. Called with mu held.
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
		if s.load == 0 && s.open {
			return s
		}
	}
	return nil
}

// feed gives slots to the waiting requests. Called with mu held.
func (p *pool) feed() {
	for len(p.waiting) > 0 {
		t := p.waiting[0]
		s := p.free()
		if s == nil {
			s = p.behind(t)
		}
		if s == nil {
			return
		}
		p.give(s, t)
		p.waiting[0] = nil
		p.waiting = p.waiting[1:]
		t.tell(move{slot: s})
	}
}

// dismiss answers all waiting requests with an error. Called with mu held.
func (p *pool) dismiss() {
	for _, t := range p.waiting {
		t.tell(move{})
	}
	p.waiting = nil
}

// put returns a slot whose current request is answered.
func (p *pool) put(s *slot) {
	s.advance()
	w := s.worker
	p.mu.Lock()
	now := time.Now()
	s.apart = s.large || now.Sub(s.since) >= slowAfter
	s.alone, s.large, s.since = false, false, now
	p.setLoad(s, s.load-1)
	w.served++
	p.totals.Requests++
	worn := w.state == serving && w.limit > 0 && w.served == w.limit
	if w.state == serving {
		p.feed()
		if s.load == 0 && p.ahead > 0 {
			p.relieve(now, idleAfter)
		}
	}
	p.closeIdle(w)
	p.mu.Unlock()
	if worn {
		go p.replace(w, "requests")
	}
}

// closeIdle closes the slots without a request of a worker that has to leave.
// Called with mu held.
func (p *pool) closeIdle(w *worker) {
	if w.state == leaving || w.state == dead {
		w.closeIdle()
	}
}

// drop returns a slot that must not be used again, and reports whether the current request is still
// unread.
func (p *pool) drop(s *slot) (unread bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ahead, unread := s.abandon()
	p.setLoad(s, 0)
	s.open = false
	s.close()
	p.requeue(s, ahead)
	p.feed()
	return unread
}

// avoid gives a worker no more requests: it has ended, or is about to.
func (p *pool) avoid(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remove(w)
}
