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
// the slot's socket, so that the thread goes on by itself after each. On a busy machine it then
// answers several before another process has its turn, with warm caches, and this process reads the
// responses together. Requests that the thread has not read can be taken back, since this process
// holds the other end of that socket too. So no request waits behind a slow one while another
// thread is free, and requests that a worker had not read when it died are not lost.
type slot struct {
	*channel                 // of responses, and of data that a request needs later
	raw      syscall.RawConn // of its conn
	words    syscall.RawConn // of the socket it sends to
	worker   *worker
	regions  regions
	intake   []byte // shared memory for bodies, once one was asked for

	mu    sync.Mutex
	ours  packets   // where requests are sent
	back  packets   // the socket from which they can be taken back
	queue []*ticket // in the order they were sent; the first is the current one
	dead  bool      // to be sent nothing more

	// Guarded by pool.mu.
	open  bool
	load  int       // requests that it was given, one of them the current one
	alone bool      // no other request may be given beside the current one
	since time.Time // when the current one became that
	large bool      // the current answer is
	apart bool      // the request before took its time, or had a large answer: so may the next
}

// packetSize is how much of a request's frame is one message.
const packetSize = 32 << 10

// newSlot returns one and the worker's ends of its sockets.
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
	raw, _ := conn.SyscallConn() // which fails for none that is open
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

// submit sends a request, and reports whether it is the current one. That one waits until a part
// of the response is there: a plain read would return EAGAIN first. Where the slot takes no more,
// the error is an errUnread.
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
	return current, nil // another end of the wait: reading returns the reason
}

// afterEnd is how long to wait for the rest of a worker's output once it has ended: a child of the
// application may hold the other end of the stream open.
const afterEnd = 100 * time.Millisecond

// patience restarts the time within which the worker has to say something.
func (s *slot) patience(d time.Duration) {
	s.conn.SetReadDeadline(time.Now().Add(d))
	if hasEnded(s.worker.process) {
		// It ended before the time was set, so that pool.await has set a shorter one.
		s.conn.SetReadDeadline(time.Now().Add(afterEnd))
	}
}

// await waits until something of the answer is there to a request that has become the
// current one, and reports whether it is that still.
func (s *slot) await(t *ticket, patience time.Duration) (current bool) {
	if !s.isCurrent(t) {
		return false // without waiting for the requests that do
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

// fill reads what there is, unless a request is not the current one any more. It is done then, and
// when there was something, an end or an error, which the next read tells. The bytes that are there
// belong to the current request, which cannot change from here on: the thread has read it.
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

// sendRest sends what of a request's frame is beyond a message.
func (s *slot) sendRest(t *ticket) error {
	if len(t.frame) <= packetSize {
		return nil
	}
	return s.send('D', t.number, append(make([]byte, 8, 8+len(t.frame)-packetSize), t.frame[packetSize:]...))
}

// clientGone tells the worker that the client of a request has left. A thread that has gone on to
// another request skips the message. Sending it never blocks. If an application never reads, its
// messages fill the socket, and later ones are dropped.
func (s *slot) clientGone(request uint32) {
	s.sending.Lock()
	defer s.sending.Unlock()
	s.words.Control(func(fd uintptr) {
		sendNow(int(fd), binary.BigEndian.AppendUint32([]byte{'X', 0, 0, 4}, request))
	})
}

// advance ends the current request, and makes the next one that.
func (s *slot) advance() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.Delete(s.queue, 0, 1)
	if len(s.queue) > 0 {
		s.queue[0].promote()
	}
}

// followed reports whether the slot has another request beside the current one.
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
	// The thread may go on meanwhile, and read one of them: the numbers say which it has not read.
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
		// The current request goes back. Should the thread have read the next one just
		// while it was out, that one is the current one now.
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

// abandon gives up a slot whose worker has failed: its unread requests go elsewhere, and those
// that it had read are lost. Unread says that the current request was not.
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
			unread = found || !canSendAhead && len(left) > 0 // of a stream the rest of it
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

// detach keeps an answered request, whose ticket other code uses, as the current one until the
// worker is done with it.
func (s *slot) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) > 0 {
		s.queue[0] = answered
	}
}

var answered = &ticket{}
