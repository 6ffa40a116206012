package accept

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// patience is how long a connection is not read before it is watched: most requests are answered
// sooner, and cost nothing then.
const patience = 20 * time.Millisecond

// Watch notices that the peer has hung up while no goroutine reads the connection, as long as a
// request is worked on. On Linux, the system reports this even if there are unread bytes;
// elsewhere only after all bytes have been read. Over TCP the end comes after the bytes that were
// sent before it, so it is not seen while they do not fit into the system's buffer.
type Watch struct {
	conn *Conn
	gone func()

	mu      sync.Mutex
	timer   *time.Timer
	running bool
	ended   chan struct{}

	whole   atomic.Bool
	stopped atomic.Bool
}

// Watch begins to watch c, and has gone called at most once each time. The end of the peer's data
// counts as well, as in net/http: a client that half-closes still gets a response. Stop the watch
// before reading from c.
func (c *Conn) Watch(gone func()) *Watch {
	w := &Watch{conn: c, gone: gone, ended: make(chan struct{}, 1), running: true}
	w.timer = time.AfterFunc(patience, w.watch)
	return w
}

// Whole says that nothing more is to come from the peer.
func (w *Watch) Whole() { w.whole.Store(true) }

// Resume goes on after a Stop.
func (w *Watch) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		w.running = true
		w.stopped.Store(false)
		w.timer.Reset(patience)
	}
}

// Stop ends the watching, so that the connection is the caller's to read. It
// reports whether it had begun: then nothing bounds reading any more.
func (w *Watch) Stop() (begun bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		return false
	}
	w.running = false
	if w.timer.Stop() {
		return false
	}
	w.stopped.Store(true)
	_ = w.conn.SetReadDeadline(past)
	<-w.ended
	w.conn.Within(0)
	return true
}

func (w *Watch) watch() {
	defer func() { w.ended <- struct{}{} }()
	for {
		gone, err := w.hungUp()
		switch {
		case w.stopped.Load():
			return
		case gone:
			w.gone()
			return
		case err == nil: // the system does not tell
			return
		}
		// The deadline was that of an earlier read.
		_ = w.conn.SetReadDeadline(time.Time{})
		if w.stopped.Load() {
			return
		}
	}
}

// hungUp waits for it. Its error is that a read deadline has passed.
func (w *Watch) hungUp() (gone bool, err error) {
	err = errors.ErrUnsupported
	if raw := w.conn.kernel(); raw != nil {
		gone, err = hungUp(raw)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		if !w.whole.Load() {
			return false, nil
		}
		var one [1]byte
		_, err = w.conn.Conn.Read(one[:])
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return false, err
	}
	return gone || err != nil, nil
}

// kernel is the system's connection, or nil if a wrapper hides it.
func (c *Conn) kernel() syscall.RawConn {
	inner := c.Conn
	for {
		if own, ok := inner.(syscall.Conn); ok {
			raw, err := own.SyscallConn()
			if err != nil {
				return nil
			}
			return raw
		}
		outer, ok := inner.(interface{ NetConn() net.Conn })
		if !ok {
			return nil
		}
		inner = outer.NetConn()
	}
}
