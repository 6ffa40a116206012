package fastcgi

import (
	"errors"
	"sync"
	"time"
)

// ahead is how much of a body is read before its handler asks for it, in bytes.
// Behind it the connection waits, with all the requests on it.
const ahead = 256 << 10

// errStalled says that the rest of a body did not come in time.
var errStalled = errors.New("the rest of the body did not come in time")

// stream is a body between the goroutine that reads the connection and the one
// that answers.
type stream struct {
	stall time.Duration

	mu    sync.Mutex
	moved sync.Cond
	held  []byte
	err   error // what ends the body, once held is empty
}

func newStream(stall time.Duration) *stream {
	s := &stream{stall: stall}
	s.moved.L = &s.mu
	return s
}

// put adds a piece. It waits for room; after the end it drops what comes.
func (s *stream) put(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.held) >= ahead && s.err == nil {
		s.moved.Wait()
	}
	if s.err == nil {
		s.held = append(s.held, p...)
		s.moved.Broadcast()
	}
}

// end says that nothing more comes, and why. The first reason stays.
func (s *stream) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = why
	}
	s.moved.Broadcast()
}

// Read waits for the next piece.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.held) == 0 && s.err == nil {
		timer := time.AfterFunc(s.stall, func() { s.end(errStalled) })
		for len(s.held) == 0 && s.err == nil {
			s.moved.Wait()
		}
		timer.Stop()
	}
	if len(s.held) == 0 {
		return 0, s.err
	}
	n := copy(p, s.held)
	s.held = s.held[n:]
	if len(s.held) == 0 {
		s.held = nil
	}
	s.moved.Broadcast()
	return n, nil
}
