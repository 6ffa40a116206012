package wsgi

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// immortal is the id of a process that does not exist.
type immortal struct{}

func (immortal) pid() int               { return 0 }
func (immortal) signal(os.Signal)       {}
func (immortal) kill()                  {}
func (immortal) ended() <-chan struct{} { return nil }
func (immortal) why() string            { return "" }

// echoing returns a pool whose threads answer each request with its number,
// each after a time of its own.
func echoing(t *testing.T, workers, threads int, busy func() time.Duration) *pool {
	c := &Config{App: "x", RequestTimeout: 30 * time.Second, QueueTimeout: 30 * time.Second, MaxQueue: 1000}
	p := &pool{config: c, all: map[*worker]struct{}{}}
	var threadsEnd sync.WaitGroup
	for range workers {
		w := &worker{pool: p, process: immortal{}, state: serving, threads: threads}
		var requests *os.File
		var err error
		w.requests, w.back, requests, err = packetPair()
		require.NoError(t, err)
		var running sync.WaitGroup
		for range threads {
			s, theirs, err := w.newSlot()
			require.NoError(t, err)
			w.slots = append(w.slots, s)
			running.Go(func() {
				defer closeAll(theirs)
				request := make([]byte, requestHead)
				for {
					n, err := requests.Read(request)
					if n == 0 || err != nil {
						return
					}
					if d := busy(); d > 0 {
						time.Sleep(d)
					}
					answer := append([]byte{'R', 0, 0, 4}, request[4:8]...)
					answer = append(append(answer, 'b', 0, 0, 4), request[4:8]...)
					theirs[1].Write(append(answer, 'I', 0, 0, 0))
				}
			})
			threadsEnd.Go(func() { p.listen(s) })
		}
		threadsEnd.Go(func() {
			running.Wait()
			requests.Close()
		})
		p.workers = append(p.workers, w)
	}
	t.Cleanup(func() {
		p.mu.Lock()
		for _, w := range p.workers {
			w.state = leaving
			w.closeRequests()
		}
		p.mu.Unlock()
		threadsEnd.Wait()
	})
	return p
}

// exchange sends a request, and returns the number in the response.
func (p *pool) exchange(ctx context.Context, t *ticket) (uint32, error) {
	s, err := p.take(ctx, t)
	if err != nil {
		return 0, err
	}
	_, n, err := s.header()
	if err != nil {
		return 0, err
	}
	text, err := s.payload(n)
	if err != nil {
		return 0, err
	}
	if kind, _, err := s.header(); kind != 'I' {
		return 0, err
	}
	p.put(s)
	return binary.BigEndian.Uint32(text), nil
}

func request(p *pool) *ticket {
	t := newTicket(p.last.Add(1))
	t.frame = append(t.frame, make([]byte, requestHead)...)
	binary.BigEndian.PutUint32(t.frame[4:], t.number)
	return t
}

// Each request gets its own response, even if queued requests are taken back often, and if clients
// leave.
func TestRequestsTakenBack(t *testing.T) {
	for name, test := range map[string]struct {
		workers, threads int
		busy             func() time.Duration
		leave            bool
	}{
		"of one thread":       {1, 1, func() time.Duration { return 0 }, false},
		"of several":          {2, 2, func() time.Duration { return 0 }, false},
		"while some are slow": {2, 2, func() time.Duration { return time.Duration(max(0, rand.IntN(1000)-990)) * time.Millisecond }, false},
		"while clients leave": {1, 2, func() time.Duration { return 0 }, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := echoing(t, test.workers, test.threads, test.busy)
			done := make(chan struct{})
			var others, clients sync.WaitGroup
			others.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						p.mu.Lock()
						for _, w := range p.workers {
							p.requeue(w.takeBack(), time.Now())
						}
						p.mu.Unlock()
					}
				}
			})
			rounds := 100
			if os.Getenv("CI") != "" {
				rounds = 400
			}
			answered := make([]int, 16)
			for c := range answered {
				clients.Go(func() {
					for range rounds {
						ctx, cancel := context.WithCancel(t.Context())
						if test.leave && rand.IntN(4) == 0 {
							time.AfterFunc(time.Duration(rand.IntN(100))*time.Microsecond, cancel)
						}
						ticket := request(p)
						number := ticket.number
						got, err := p.exchange(ctx, ticket)
						switch {
						case err == nil && got == number:
							answered[c]++
						case err != nil && ctx.Err() == nil || err == nil:
							t.Errorf("to %d: %d, %v", number, got, err)
						}
						ticket.release()
						cancel()
					}
				})
			}
			clients.Wait()
			close(done)
			others.Wait()
			p.mu.Lock()
			defer p.mu.Unlock()
			require.Empty(t, p.waiting)
			for _, w := range p.workers {
				require.Zero(t, w.load())
			}
			t.Log(answered)
		})
	}
}

// Notices that clients have left go to threads that may not read them: this blocks nothing.
func TestWordsThatNobodyReads(t *testing.T) {
	p := echoing(t, 1, 1, func() time.Duration { return 0 })
	s := p.workers[0].slots[0]
	told := make(chan struct{})
	go func() {
		defer close(told)
		for number := range uint32(10000) {
			s.clientGone(number)
		}
	}()
	select {
	case <-told:
	case <-time.After(10 * time.Second):
		t.Fatal("the word waits for its reader")
	}
	asked := request(p)
	got, err := p.exchange(t.Context(), asked)
	require.NoError(t, err)
	require.Equal(t, asked.number, got)
}

// A time limit that passes while nothing comes leaves a channel as it was: the next frame is read
// whole.
func TestAFrameAfterATimeLimit(t *testing.T) {
	conn, theirs, err := socketPair()
	require.NoError(t, err)
	c := newChannel(conn, conn)
	defer c.close()
	defer theirs.Close()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, _, err = c.header()
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
	_, err = theirs.Write([]byte{'R', 0, 0, 4})
	require.NoError(t, err)
	kind, n, err := c.header()
	require.NoError(t, err)
	require.Equal(t, byte('R'), kind)
	require.Equal(t, 4, n)
}

// mortal is a process that ends when the test tells it to.
type mortal struct {
	immortal
	done chan struct{}
}

func (m mortal) ended() <-chan struct{} { return m.done }

// A child of the application may hold the sockets of a worker that has ended. Then they have no end
// of file. The server then waits less long than for a worker that might still answer.
func TestNothingIsExpectedOfAWorkerThatHasEnded(t *testing.T) {
	for name, wait := range map[string]func(*pool, *slot){
		"by a slot without a request":    func(p *pool, s *slot) { s.patience(time.Nanosecond); p.listen(s) },
		"by the next part of an answer":  func(_ *pool, s *slot) { s.patience(time.Minute); s.header() },
		"by a thread that is to be idle": func(p *pool, s *slot) { p.idle(s) },
	} {
		t.Run(name, func(t *testing.T) {
			process := mortal{done: make(chan struct{})}
			close(process.done)
			p := &pool{config: &Config{RequestTimeout: time.Minute}, all: map[*worker]struct{}{}}
			w := &worker{pool: p, process: process, state: dead, threads: 1, closed: true}
			s, theirs, err := w.newSlot()
			require.NoError(t, err)
			defer s.close()
			defer closeAll(theirs) // the child
			w.slots = []*slot{s}
			waited := make(chan struct{})
			go func() {
				defer close(waited)
				wait(p, s)
			}()
			select {
			case <-waited:
			case <-time.After(10 * time.Second):
				t.Fatal("it waits for a worker that has ended")
			}
		})
	}
}
