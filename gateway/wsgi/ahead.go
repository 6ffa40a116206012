package wsgi

import (
	"slices"
	"time"
)

// Which requests are sent ahead of their turn, and when they are taken back: while
// every slot has one, a request lies down behind the one that is likely to be done
// first, but behind none that takes its time already, and none stays where it would
// have to wait while another slot has nothing to do. An application whose requests
// take long has all but the current ones in the queue of the pool, for whichever
// thread comes first: a slot whose last request was slow has none.

const (
	// maxAhead is how many may lie ahead in a slot. Under 16 clients, Flask's hello was
	// answered 1.17, 1.24 and 1.39 times as often with 1, 2 and 3 as with none.
	maxAhead = 7
	// slowAfter is the age at which a current request takes its time: no other is behind
	// it then.
	slowAfter = 4 * time.Millisecond
	// idleAfter is the same when a slot has nothing more to do. At half of it, what is
	// taken back costs some hundredths of the requests that are answered.
	idleAfter = time.Millisecond
	// lookEvery is how often it is looked after that.
	lookEvery = 2 * time.Millisecond
)

// behind returns the slot behind whose requests another one may lie. Called with mu
// held.
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

// relieve has requests wait for another slot that lie behind one of that age. Called
// with mu held.
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

// look relieves from time to time, as long as any request lies ahead.
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

// requeue has requests wait before all others that a slot has no more. Called with
// mu held.
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

// markLarge says that the current answer of a slot is large: several in a row would
// drive each other out of the processor's caches before they are sent.
func (p *pool) markLarge(s *slot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.large = true
}

// stream keeps a slot for its current request alone, parts of whose answer are to
// wait for the client, and reports whether the worker has gone on to another request
// none the less: then all the answer is there.
func (p *pool) stream(s *slot) (complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.alone = true
	p.requeue(s, s.recall())
	p.feed()
	return s.followed()
}
