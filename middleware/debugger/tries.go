package debugger

import (
	"context"
	"sync"
	"time"
)

// Tries of PINs are slowed down, so that the PIN cannot be guessed. They are never refused for
// good, so that a browser whose user knows the PIN is not locked out. Each source (a user or an
// address) has its own queue, so that a stranger behind a proxy does not delay the developer.
//
// Five tries per second from each of 16 sources are, in eight hours, 0.2 % of all PINs with nine
// digits.
const (
	freeTries  = 10                     // wrong tries of a source before it is slowed down
	tryTime    = 200 * time.Millisecond // between two tries of a source after that
	maxWaiting = 50                     // tries of a source that may wait
	maxSources = 16                     // sources that have a separate queue
)

// tries are the queues of a PIN.
type tries struct {
	mu      sync.Mutex
	sources map[string]*source
}

// source is the queue of one source.
type source struct {
	turn    chan struct{} // holds one element during a try
	waiting chan struct{} // one element for each try that waits or runs
	wrong   int           // only the try whose turn it is changes it
}

// of returns the queue of a source. If there are more than maxSources, the rest share one queue.
func (t *tries) of(name string) *source {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sources == nil {
		t.sources = map[string]*source{}
	}
	if t.sources[name] == nil && len(t.sources) >= maxSources {
		name = "the others"
	}
	if t.sources[name] == nil {
		t.sources[name] = &source{turn: make(chan struct{}, 1), waiting: make(chan struct{}, maxWaiting)}
	}
	return t.sources[name]
}

// wait waits for a turn, which [source.done] ends. It returns ErrTooMany if too many
// wait already, and the error of ctx if that ends.
func (s *source) wait(ctx context.Context) error {
	select {
	case s.waiting <- struct{}{}:
	default:
		return ErrTooMany
	}
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		<-s.waiting
		return ctx.Err()
	}
	if s.wrong < freeTries {
		return nil
	}
	pause := time.NewTimer(tryTime)
	defer pause.Stop()
	select {
	case <-pause.C:
		return nil
	case <-ctx.Done():
		s.done()
		return ctx.Err()
	}
}

// done ends a turn.
func (s *source) done() {
	<-s.turn
	<-s.waiting
}
