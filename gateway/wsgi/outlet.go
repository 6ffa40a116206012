package wsgi

import (
	"errors"
	"net/http"
	"sync"
)

// outlet writes a response to a client. The first bytes, which fit into the system's buffers, are
// written at once; after that a goroutine writes, and up to limit bytes wait for it, so that the
// worker need not wait for a slow client. The waiting bytes of all outlets stay within the budget,
// except for one part of each.
type outlet struct {
	w       http.ResponseWriter
	limit   int
	budget  *budget
	written int  // at once
	started bool // a goroutine; only the worker's side uses this field

	mu      sync.Mutex
	changed sync.Cond
	waiting [][]byte
	size    int // of what waits
	beyond  int // the first bytes of what waits for which the budget had no room
	flushed bool
	closed  bool
	ended   bool // the goroutine
	err     error
	failure any // what the goroutine panicked with
}

// directly is how many bytes are written at once.
const directly = 64 << 10

func (o *outlet) write(p []byte) error {
	if !o.started && o.written+len(p) <= directly {
		o.written += len(p)
		_, err := o.w.Write(p)
		return ignored(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.started {
		o.started = true
		o.changed.L = &o.mu
		go o.drain()
	}
	for o.err == nil && !o.accepts(len(p)) {
		o.changed.Wait()
	}
	if o.err != nil {
		return o.err
	}
	o.waiting = append(o.waiting, append([]byte(nil), p...))
	o.size += len(p)
	o.changed.Broadcast()
	return nil
}

// accepts reports whether n more bytes may wait. It is always true if no bytes wait. It is called
// with mu held.
func (o *outlet) accepts(n int) bool {
	if o.size > 0 && o.size+n > o.limit {
		return false
	}
	if o.budget.take(int64(n)) {
		return true
	}
	if o.size > 0 {
		return false
	}
	o.beyond = n
	return true
}

// gone subtracts n bytes from those that wait. Called with mu held.
func (o *outlet) gone(n int) {
	beyond := min(n, o.beyond)
	o.size -= n
	o.beyond -= beyond
	o.budget.give(int64(n - beyond))
}

// ignored removes the errors of a response that has no body.
func ignored(err error) error {
	if errors.Is(err, http.ErrBodyNotAllowed) || errors.Is(err, http.ErrContentLength) {
		return nil
	}
	return err
}

// flush sends the written bytes.
func (o *outlet) flush() {
	if !o.started {
		http.NewResponseController(o.w).Flush()
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flushed = true
	o.changed.Broadcast()
}

// drain writes the waiting bytes until the response is complete or the client has gone.
func (o *outlet) drain() {
	o.mu.Lock()
	defer func() {
		o.gone(o.size)
		o.ended = true
		o.changed.Broadcast()
		o.mu.Unlock()
	}()
	for {
		for len(o.waiting) == 0 && !o.flushed && !o.closed {
			o.changed.Wait()
		}
		if len(o.waiting) == 0 && !o.flushed {
			return
		}
		parts, flush := o.waiting, o.flushed
		o.waiting, o.flushed = nil, false
		o.mu.Unlock()
		failure, err := o.put(parts, flush)
		o.mu.Lock()
		for _, p := range parts {
			o.gone(len(p))
		}
		if o.err, o.failure = err, failure; err != nil || failure != nil {
			if err == nil {
				o.err = http.ErrAbortHandler
			}
			return
		}
		o.changed.Broadcast()
	}
}

func (o *outlet) put(parts [][]byte, flush bool) (failure any, err error) {
	defer func() { failure = recover() }()
	for _, p := range parts {
		if _, err := o.w.Write(p); ignored(err) != nil {
			return nil, err
		}
	}
	if flush {
		err = http.NewResponseController(o.w).Flush()
	}
	if errors.Is(err, http.ErrNotSupported) {
		err = nil // a writer in between does not support flushing
	}
	return nil, err
}

// finish waits until all is written; w is not used after that.
func (o *outlet) finish() {
	if !o.started {
		return
	}
	o.mu.Lock()
	o.closed = true
	o.changed.Broadcast()
	for !o.ended {
		o.changed.Wait()
	}
	failure := o.failure
	o.mu.Unlock()
	if failure != nil {
		panic(failure)
	}
}
