package wsgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

// Responses of one part that are not small go through memory that a slot shares with its thread.
// The application's bytes are copied into it once, and the system copies them from there to the
// client. The slot is free again as soon as the response is there. The last byte of a region says
// whether it is in use: the thread sets it when it puts a response there, and this process clears
// it when the client has received the response. If all are in use, a response goes through a file
// in memory.
//
// The body of a request goes through other shared memory: it is copied there once, instead of into
// a socket and out of it.

// maxRegions is how many regions a slot has at most: the thread makes them as it
// needs them.
const maxRegions = 4

// regions are the shared memory of a slot.
type regions struct {
	mu     sync.Mutex
	maps   [maxRegions][]byte
	lent   [maxRegions]bool // to a client
	closed bool
}

// lend keeps a region unchanged until it is released.
func (g *regions) lend(i, length int) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i >= maxRegions || g.lent[i] || length >= len(g.maps[i]) {
		return nil, errors.New("an answer in shared memory that there is not")
	}
	g.lent[i] = true
	return g.maps[i][:length], nil
}

func (g *regions) giveBack(i int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lent[i] = false
	if g.closed {
		unmap(g.maps[i])
		g.maps[i] = nil
		return
	}
	g.maps[i][len(g.maps[i])-1] = 0
}

// close releases regions that no client reads from; other regions go when they are released.
func (g *regions) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for i := range g.maps {
		if !g.lent[i] {
			unmap(g.maps[i])
			g.maps[i] = nil
		}
	}
}

// share adds a new region, whose descriptor has arrived.
func (s *slot) share(i, size int) error {
	f, err := s.file()
	if err != nil {
		return err
	}
	defer f.Close() // the memory stays
	s.regions.mu.Lock()
	defer s.regions.mu.Unlock()
	if i >= maxRegions || s.regions.maps[i] != nil {
		return errors.New("shared memory that was not asked for")
	}
	s.regions.maps[i], err = sharedMemory(f, size)
	return err
}

// shareIntake adds the memory for bodies, whose descriptor has arrived.
func (s *slot) shareIntake(size int) error {
	f, err := s.file()
	if err != nil {
		return err
	}
	defer f.Close() // the memory stays
	if s.intake != nil {
		return errors.New("shared memory that was not asked for")
	}
	s.intake, err = sharedMemory(f, size)
	return err
}

// shared sends a part of the shared memory as the response.
func (x *exchange) shared(n int) error {
	b, err := x.slot.peek(12)
	if err != nil || n != 12 {
		return x.broken(fmt.Errorf("shared memory in %d bytes: %w", n, err))
	}
	length, i, fresh := int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:])), int(binary.BigEndian.Uint32(b[8:]))
	x.slot.discard(12)
	if fresh != 0 {
		if err := x.slot.share(i, fresh); err != nil {
			return x.broken(err)
		}
	}
	lender := &x.slot.regions
	answer, err := lender.lend(i, length)
	if err != nil {
		return x.broken(err)
	}
	defer lender.giveBack(i)
	err = x.release()
	x.w.Write(answer) // a client that has left is not a failure
	return err
}
