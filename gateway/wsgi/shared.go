package wsgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Answers of one part that are not small travel in memory which a slot shares with
// its thread: the application's bytes are copied into it once, and from there the
// system copies them to the client. As only a request that is given to the slot
// makes the thread write to it again, nothing need be agreed on.

// slowAfter is how long a client may take for such an answer before the slot goes
// on without it. The memory is left to that client then, and the worker told by
// the next request to make another one.
const slowAfter = 2 * time.Millisecond

func (x *exchange) shared(n int) error {
	b, err := x.slot.peek(8)
	if err != nil || n != 8 {
		return x.broken(fmt.Errorf("shared memory in %d bytes: %w", n, err))
	}
	length, fresh := int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:]))
	x.slot.discard(8)
	if fresh != 0 {
		if err := x.slot.share(fresh); err != nil {
			return x.broken(err)
		}
	}
	if length > len(x.slot.region) {
		return x.broken(errors.New("more than there is shared memory"))
	}
	s, region := x.slot, x.slot.region
	written := make(chan any, 1)
	go func() {
		defer func() { written <- recover() }()
		x.w.Write(region[:length]) // a client that has left is no failure
	}()
	slow := time.NewTimer(slowAfter)
	defer slow.Stop()
	var failure any
	select {
	case failure = <-written:
		err = x.release()
	case <-slow.C:
		s.region, s.taken = nil, true
		err = x.release()
		failure = <-written
		unmap(region)
	}
	if failure != nil {
		panic(failure)
	}
	return err
}

// share takes new memory, whose descriptor has come along.
func (s *slot) share(size int) error {
	f, err := s.file()
	if err != nil {
		return err
	}
	defer f.Close()
	unmap(s.region)
	s.region, err = sharedMemory(f, size)
	return err
}
