package wsgi

import (
	"slices"
	"time"
)

// This file decides which requests are sent to a worker before their turn, and when they are taken
// back. If every slot has a request, the next one is queued behind the request that is likely to
// end first, but never behind a slow one. No request stays queued while another slot is idle. If
// the requests of an application take long, all but the current ones wait in the queue of the pool
// for the first free thread: a slot whose last request was slow gets none in advance.

const (
	// maxAhead is how many requests may wait in the socket of a slot. With 16 clients, Flask's
	// hello reached 1.17, 1.24 and 1.39 times the throughput if 1, 2 and 3 requests could wait.
	maxAhead = 7
	// slowAfter is the age at which a current request counts as slow. No other request is left
	// behind it then.
	slowAfter = 4 * time.Millisecond
	// idleAfter is the shorter age that counts while another slot has nothing to do. With half of
	// that time, taking requests back costs some hundredths of the throughput.
	idleAfter = time.Millisecond
	// lookEvery is how often the pool looks for slow requests after that.
	lookEvery = 2 * time.Millisecond
)

// behind returns the slot with the fewest requests in its queue that can take another one. Called
// with mu held.
func (p *pool) behind(t *ticket) *slot {
	if !canSendAhead || len(t.frame) > small {
		return nil
	}
	now := time.Now()
	var best *slot
	for _, w := range p.workers {
		for _, s := range w.slots {
			if s.open && !s.alone && !s.large && !s.apart && s.load <= maxAhead && now.Sub(s.since) < slowAfter &&
				(best == nil || s.load < best.load || s.load == best.load && s.since.Before(best.since)) {
				best = s
			}
		}
	}
	return best
}

// relieve moves requests that wait behind a request of that age to other slots. Called with mu
// held.
func (p *pool) relieve(now time.Time, age time.Duration) {
	for _, w := range p.workers {
		for _, s := range w.slots {
			if s.load > 1 && now.Sub(s.since) >= age {
				p.requeue(s, s.recall())
			}
		}
	}
	p.feed()
}

// look calls relieve from time to time, as long as any request waits in a socket.
func (p *pool) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ahead == 0 {
		p.looking = false
		return
	}
	p.relieve(time.Now(), slowAfter)
	time.AfterFunc(lookEvery, p.look)
}

// requeue puts requests that were taken back from a slot in front of all others in the queue.
// Called with mu held.
func (p *pool) requeue(s *slot, ahead []*ticket) {
	if len(ahead) == 0 {
		return
	}
	p.setLoad(s, s.load-len(ahead))
	p.waiting = slices.Concat(ahead, p.waiting)
	if p.closed || len(p.workers) == 0 && p.failure != nil {
		p.dismiss()
	}
}

// markLarge notes that the current response of a slot is large: several in a row would drive each
// other out of the processor's caches before they are sent.
func (p *pool) markLarge(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.large = true
}

// stream reserves a slot for its current request, because parts of the response will wait for the
// client. It reports whether the worker has already gone on to another request: then the response
// is complete.
func (p *pool) stream(s *slot) (complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.alone = true
	p.requeue(s, s.recall())
	p.feed()
	return s.followed()
}
