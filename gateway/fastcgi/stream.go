package fastcgi

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway/internal/accept"
)

// ahead is how much of a body is read before its handler asks for it, in bytes.
// After that many bytes the connection waits, with all the requests on it.
const ahead = 64 << 10

var rings = sync.Pool{New: func() any { return new([ahead]byte) }}

// errStalled says that the rest of a body did not come in time.
var errStalled = errors.New("the rest of the body did not come in time")

// stream is a body between the goroutine that reads the connection and the one that answers: a ring
// that the first fills and the second empties.
type stream struct {
	stall time.Duration
	conn  *accept.Conn
	gone  func() // the peer has hung up

	mu    sync.Mutex
	moved sync.Cond
	timer *time.Timer
	err   error // the error or the end after the bytes in the ring

	ring        *[ahead]byte
	start, held int
	filling     bool // a free part of the ring is being written to
	over        bool // nothing reads the body any more
}

func newStream(conn *accept.Conn, stall time.Duration, gone func()) *stream {
	s := &stream{conn: conn, stall: stall, gone: gone}
	s.moved.L = &s.mu
	return s
}

// fill reads size bytes of the body. It waits for room; bytes after the end are dropped.
func (s *stream) fill(in *bufio.Reader, size int) error {
	for size > 0 {
		room := s.room()
		if room == nil {
			_, err := in.Discard(size)
			return err
		}
		n, err := io.ReadFull(in, room[:min(len(room), size)])
		s.filled(n)
		if size -= n; err != nil {
			return err
		}
	}
	return nil
}

// room returns a part of the ring to fill, or nil after the end.
func (s *stream) room() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == ahead && s.err == nil {
		// No goroutine reads the connection now, so it must be watched for its end.
		watch := s.conn.Watch(s.gone)
		for s.held == ahead && s.err == nil {
			s.moved.Wait()
		}
		watch.Stop()
	}
	switch {
	case s.err != nil:
		return nil
	case s.ring == nil:
		s.ring = rings.Get().(*[ahead]byte)
	case s.held == 0:
		s.start = 0
	}
	s.filling = true
	if end := s.start + s.held; end < ahead {
		return s.ring[end:]
	} else {
		return s.ring[end-ahead : s.start]
	}
}

func (s *stream) filled(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filling = false
	s.held += n
	s.moved.Broadcast()
	s.release()
}

// end says that no more bytes come, and why. If it is called twice, the first reason stays.
func (s *stream) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = why
	}
	s.moved.Broadcast()
}

// drop says that nothing reads the body any more.
func (s *stream) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.over, s.held = io.ErrClosedPipe, true, 0
	s.moved.Broadcast()
	s.release()
}

// release gives the ring back once neither side uses it.
func (s *stream) release() {
	if s.over && !s.filling && s.ring != nil {
		rings.Put(s.ring)
		s.ring, s.held = nil, 0
	}
}

// Read waits for the next piece.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == 0 && s.err == nil {
		s.await()
	}
	if s.held == 0 || s.over {
		return 0, s.err
	}
	n := copy(p, s.ring[s.start:min(s.start+s.held, ahead)])
	s.start, s.held = (s.start+n)%ahead, s.held-n
	s.moved.Broadcast()
	return n, nil
}

// await waits for a piece or the end, but only briefly.
func (s *stream) await() {
	if s.timer == nil {
		s.timer = time.AfterFunc(s.stall, func() { s.end(errStalled) })
	} else {
		s.timer.Reset(s.stall)
	}
	for s.held == 0 && s.err == nil {
		s.moved.Wait()
	}
	s.timer.Stop()
}
