package wsgi

import (
	"errors"
	"slices"
	"syscall"
	"time"
)

// This file decides which worker gets a request, and when.
//
// The threads of a worker read requests from one socket: the system keeps the queue, and the thread
// that is free first has the next request without waiting for this process. So some more requests
// are sent to a worker than it has threads. On a busy machine its threads then answer several
// requests with warm caches before another process runs.
//
//	worker 1, two threads:  socket  5, 3    threads  1, 2
//	worker 2, two threads:  socket  6       threads  4, free soon
//
// A request that no thread has read can be taken back, since this process holds the other end of
// the socket too. That is needed if its client has gone, if the worker ends or leaves, and if
// another worker is free: worker 2 gets request 5 when it has answered 4 and 6.

const (
	// maxAhead is how many requests for each thread may wait in the socket of a worker. With 16
	// clients, Flask's hello reached 1.17, 1.24 and 1.39 times the throughput if 1, 2 and 3 could wait.
	maxAhead = 7
	// slowAfter is the time from which a request counts as slow. No requests are sent to wait for its
	// thread.
	slowAfter = 4 * time.Millisecond
	// packetSize is how much of a request's frame fits into one message.
	packetSize = 32 << 10
)

// load is how many requests a worker has that are not answered.
func (w *worker) load() int { return len(w.sent) + w.running }

// waiting is how many of them wait in its socket.
func (w *worker) waiting() int { return max(0, w.load()-w.threads) }

// mark notes the time for the requests that a thread is free to read. Called with pool.mu held.
func (w *worker) mark(now time.Time) {
	for _, t := range w.sent[:min(len(w.sent), max(0, w.threads-w.running))] {
		if t.since.IsZero() {
			t.since = now
		}
	}
}

// send puts a request into the socket of a worker. Called with pool.mu held.
func (w *worker) send(t *ticket, now time.Time) error {
	if err := w.requests.send(t.frame[:min(len(t.frame), packetSize)]); err != nil {
		return err
	}
	t.worker = w
	w.sent = append(w.sent, t)
	w.mark(now)
	return nil
}

// takeBack takes the requests out of the socket that no thread has read. Called with pool.mu held.
func (w *worker) takeBack() []*ticket {
	if w.closed || len(w.sent) == 0 {
		return nil
	}
	if !canTakeBack && w.threads > 0 && !hasEnded(w.process) {
		return nil // its threads may be reading
	}
	unread := w.back.unread(w.sent)
	w.sent = slices.DeleteFunc(w.sent, func(t *ticket) bool { return slices.Contains(unread, t) })
	for _, t := range unread {
		t.worker, t.since = nil, time.Time{}
	}
	return unread
}

// dispatch sends a request to a worker, and reports whether there is one for it. Called with mu
// held.
func (p *pool) dispatch(t *ticket, now time.Time) bool {
	for {
		w := p.free()
		p.turn++
		if w == nil {
			w = p.behind(t, now)
		}
		if w == nil {
			return false
		}
		err := w.send(t, now)
		if err == nil {
			return true
		}
		if errors.Is(err, syscall.EAGAIN) {
			return false // its socket is full
		}
		// No reason for another error is known. When the worker has ended, another one is started.
		p.workers = slices.DeleteFunc(slices.Clone(p.workers), func(other *worker) bool { return other == w })
		w.process.kill()
	}
}

// free returns the least busy worker that has a free thread, nil if there is none. It begins at
// another worker for each request. Called with mu held.
func (p *pool) free() *worker {
	var best *worker
	n := len(p.workers)
	for i := range n {
		w := p.workers[(p.turn+i)%n]
		if load := w.load(); load < w.threads && (best == nil || load < best.load()) {
			if best = w; load == 0 {
				break
			}
		}
	}
	return best
}

// behind returns the worker with the fewest requests whose socket may take another one, nil if there
// is none. Called with mu held.
func (p *pool) behind(t *ticket, now time.Time) *worker {
	if !canTakeBack || len(t.frame) > small {
		return nil
	}
	var best *worker
	for _, w := range p.workers {
		if (best == nil || w.load() < best.load()) && w.waiting() < w.quick(now)*maxAhead {
			best = w
		}
	}
	return best
}

// quick is how many threads of a worker have no slow request.
func (w *worker) quick(now time.Time) int {
	n := w.threads
	for _, t := range w.sent[:len(w.sent)-w.waiting()] {
		if now.Sub(t.since) >= slowAfter {
			n--
		}
	}
	for _, s := range w.slots {
		if s.open && !s.since.IsZero() && now.Sub(s.since) >= slowAfter {
			n--
		}
	}
	return n
}

// relieve gives a worker that has answered a request those that other workers have not read: if it
// has nothing else to do, or if they have waited for long. Called with mu held.
func (p *pool) relieve(w *worker, now time.Time) {
	idle := w.load() < w.threads && len(p.waiting) == 0
	for _, other := range p.workers {
		if other == w || other.waiting() == 0 {
			continue
		}
		if first := other.sent[len(other.sent)-other.waiting()]; idle || other.quick(now) == 0 && now.Sub(first.queued) >= 2*slowAfter {
			p.requeue(other.takeBack(), now)
			idle = false
		}
	}
}

// requeue puts requests that were taken back in front of all others. Called with mu held.
func (p *pool) requeue(unread []*ticket, now time.Time) {
	if len(unread) == 0 {
		return
	}
	p.waiting = slices.Concat(unread, p.waiting)
	if p.closed || len(p.workers) == 0 && p.failure != nil {
		p.dismiss()
		return
	}
	p.feed(now)
}

// feed sends the waiting requests to workers, as long as there is one for them. Called with mu held.
func (p *pool) feed(now time.Time) {
	for len(p.waiting) > 0 {
		if !p.dispatch(p.waiting[0], now) {
			return
		}
		p.waiting[0] = nil
		p.waiting = p.waiting[1:]
	}
}
