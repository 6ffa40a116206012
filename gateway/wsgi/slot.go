package wsgi

import (
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A slot is a thread of a worker, which runs one request at a time. More requests may be queued in
// the slot's socket, so that the thread can start the next one by itself. On a busy machine the
// thread then answers several requests with warm caches before another process runs, and this
// process reads the responses together. Requests that the thread has not read can be taken back,
// since this process holds the other end of that socket too. So no request waits behind a slow one
// while another thread is free, and requests that a worker had not read when it died are not lost.
type slot struct {
	*channel                 // for responses, and for data that a request needs later
	raw      syscall.RawConn // of its conn
	words    syscall.RawConn // of the socket it sends to
	worker   *worker
	regions  regions
	intake   []byte // shared memory for bodies, once a request needed it

	mu    sync.Mutex
	ours  packets   // where requests are sent
	back  packets   // the socket from which they can be taken back
	queue []*ticket // in the order in which they were sent; the first is the current one
	dead  bool      // nothing more may be sent to it

	// Guarded by pool.mu.
	open  bool
	load  int       // requests that it has, one of them the current one
	alone bool      // no other request may wait behind the current one
	since time.Time // when the current request became current
	large bool      // the current response is
	apart bool      // the previous request was slow, or had a large response, so the next one may too
}

// packetSize is how much of a request's frame fits into one message.
const packetSize = 32 << 10

// newSlot returns a slot and the worker's ends of its sockets.
func (w *worker) newSlot() (*slot, []*os.File, error) {
	ours, back, theirs, err := packetPair()
	if err != nil {
		return nil, nil, err
	}
	to, input, err := sendPair(w.pool.config.RequestTimeout)
	if err != nil {
		ours.close()
		back.close()
		theirs.Close()
		return nil, nil, err
	}
	conn, output, err := socketPair()
	if err != nil {
		ours.close()
		back.close()
		closeAll([]*os.File{theirs, to, input})
		return nil, nil, err
	}
	raw, _ := conn.SyscallConn() // this does not fail for an open connection
	words, _ := to.SyscallConn()
	s := &slot{channel: newChannel(conn, to), raw: raw, words: words, worker: w, ours: ours, back: back, open: true}
	return s, []*os.File{theirs, input, output}, nil
}

// close releases everything that a slot has.
func (s *slot) close() {
	s.mu.Lock()
	s.hush()
	s.mu.Unlock()
	s.channel.close()
	s.regions.close()
	unmap(s.intake)
	s.intake = nil
}

// This closes the stream of requests. Called with mu held.
func (s *slot) hush() {
	if !s.dead {
		s.dead = true
		s.ours.close()
		s.back.close()
	}
}

// errUnread says that a worker was gone before it had the request.
var errUnread = errors.New("not sent")

// submit sends a request, and reports whether it is the current one. The current request waits
// until a part of the response has arrived: a plain read would return EAGAIN first. If the slot
// accepts no more requests, the error is an errUnread.
func (s *slot) submit(t *ticket, patience time.Duration) (current bool, err error) {
	s.mu.Lock()
	if s.dead {
		s.mu.Unlock()
		return false, errUnread
	}
	if len(s.queue) > 0 {
		defer s.mu.Unlock()
		if err := s.ours.send(t.frame); err != nil {
			return false, errors.Join(errUnread, err)
		}
		s.queue = append(s.queue, t)
		return false, nil
	}
	s.queue = append(s.queue, t)
	s.patience(patience)
	sent := false
	current = true
	waitErr := s.raw.Read(func(fd uintptr) bool {
		if sent {
			var done bool
			done, current = s.fill(t, fd)
			return done
		}
		sent = true
		err = s.ours.send(t.frame[:min(len(t.frame), packetSize)])
		s.mu.Unlock()
		if err == nil {
			err = s.sendRest(t)
		}
		return err != nil
	})
	if !sent {
		s.mu.Unlock()
		err = waitErr
	}
	if err != nil {
		return true, errors.Join(errUnread, err)
	}
	if waitErr != nil {
		current = s.isCurrent(t)
	}
	return current, nil // if the wait ended for another reason, reading returns it
}

// afterEnd is how long to wait for the rest of a worker's output once it has ended: a child of the
// application may hold the other end of the stream open.
const afterEnd = 100 * time.Millisecond

// patience restarts the time within which the worker must send something.
func (s *slot) patience(d time.Duration) {
	s.conn.SetReadDeadline(time.Now().Add(d))
	if hasEnded(s.worker.process) {
		// The worker may have ended before this deadline replaced the shorter one of pool.await.
		s.conn.SetReadDeadline(time.Now().Add(afterEnd))
	}
}

// await waits until a part of the response has arrived for a request that has become the current
// one, and reports whether the request is still current.
func (s *slot) await(t *ticket, patience time.Duration) (current bool) {
	if !s.isCurrent(t) {
		return false // no wait: only the current request waits
	}
	s.patience(patience)
	err := s.raw.Read(func(fd uintptr) (done bool) {
		done, current = s.fill(t, fd)
		return done
	})
	if err != nil {
		current = s.isCurrent(t)
	}
	return current
}

// fill reads the bytes that have arrived, unless a request is no longer the current one. It returns
// done then, and when there were bytes, an end or an error, which the next read returns. The
// bytes that have arrived belong to the current request. It cannot change from here on, because the
// thread has read it.
func (s *slot) fill(t *ticket, fd uintptr) (done, current bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 || s.queue[0] != t {
		return true, false
	}
	return s.buffered() > 0 || s.fetch(fd), true
}

func (s *slot) isCurrent(t *ticket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0 && s.queue[0] == t
}

// sendRest sends the part of a request's frame that did not fit into the message.
func (s *slot) sendRest(t *ticket) error {
	if len(t.frame) <= packetSize {
		return nil
	}
	return s.send('D', t.number, append(make([]byte, 8, 8+len(t.frame)-packetSize), t.frame[packetSize:]...))
}

// clientGone tells the worker that the client of a request has left. A thread that has started
// another request skips the message. Sending the message never blocks. If an application never
// reads, its messages fill the socket, and later ones are dropped.
func (s *slot) clientGone(request uint32) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.words.Control(func(fd uintptr) {
		sendNow(int(fd), binary.BigEndian.AppendUint32([]byte{'X', 0, 0, 4}, request))
	})
}

// advance ends the current request and makes the next one current.
func (s *slot) advance() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.Delete(s.queue, 0, 1)
	if len(s.queue) > 0 {
		s.queue[0].promote()
	}
}

// followed reports whether the slot has another request behind the current one.
func (s *slot) followed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 1
}

// recall takes back the requests that wait in the socket.
func (s *slot) recall() (ahead []*ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead || len(s.queue) < 2 {
		return nil
	}
	// Meanwhile the thread may continue and read one of them: the numbers say which one it has not
	// read.
	unread := s.back.drain()
	first, left := s.queue[0], s.queue[:0]
	for _, t := range s.queue {
		switch {
		case !slices.Contains(unread, t.number):
			left = append(left, t)
		case t != first:
			ahead = append(ahead, t)
		}
	}
	if slices.Contains(unread, first.number) {
		// The current request is sent to the socket again. If the thread has read the next one
		// meanwhile, that is the current one now.
		if len(left) > 0 {
			left[0].promote()
		}
		s.ours.send(first.frame)
		left = append(left, first)
	}
	clear(s.queue[len(left):])
	s.queue = left
	return ahead
}

// abandon gives up a slot whose worker has failed: its unread requests go elsewhere, and the
// requests that it had read are lost. unread says that the current request was not read.
func (s *slot) abandon() (ahead []*ticket, unread bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dead {
		return nil, false
	}
	left := s.back.drain()
	for i, t := range s.queue {
		found := slices.Contains(left, t.number)
		switch {
		case i == 0:
			unread = found || !canSendAhead && len(left) > 0 // of a stream, the rest of the response
		case found:
			ahead = append(ahead, t)
		default:
			t.tell(move{lost: true})
		}
	}
	s.queue = nil
	s.hush()
	return ahead, unread
}

// detach separates an answered request from its ticket, which other code will reuse. The request stays
// the current one until the worker is done with it.
func (s *slot) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 {
		s.queue[0] = answered
	}
}

var answered = &ticket{}
