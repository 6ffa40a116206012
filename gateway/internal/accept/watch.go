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

// patience is how long a connection without a reader waits before it is watched: most requests are
// answered sooner, and cost nothing then.
const patience = 20 * time.Millisecond

// Watch notices that the peer has hung up while no goroutine reads the connection, as long as a
// request is worked on. On Linux, the system reports this even if there are unread bytes;
// elsewhere only after all bytes have been read. Over TCP the end comes after the bytes that were
// sent before it, so the end is not seen while these bytes do not fit into the system's buffer.
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

// Watch begins to watch c; for each watch, it calls gone at most once. The end of the peer's data
// counts as well, as in net/http: a client that half-closes still gets a response. Stop the watch
// before reading from c.
func (c *Conn) Watch(gone func()) *Watch {
	w := &Watch{conn: c, gone: gone, ended: make(chan struct{}, 1), running: true}
	w.timer = time.AfterFunc(patience, w.watch)
	return w
}

// Whole says that the peer will send nothing more.
func (w *Watch) Whole() { w.whole.Store(true) }

// Resume continues after a Stop.
func (w *Watch) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.running {
		w.running = true
		w.stopped.Store(false)
		w.timer.Reset(patience)
	}
}

// Stop ends the watch, so that only the caller reads the connection. It reports
// whether the watch had begun. If so, no deadline limits reading any more.
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
		case err == nil: // the system does not report it
			return
		}
		// The deadline was set for an earlier read.
		_ = w.conn.SetReadDeadline(time.Time{})
		if w.stopped.Load() {
			return
		}
	}
}

// hungUp waits until the peer hangs up. Its error says that a read deadline has passed.
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

// kernel is the connection of the system, or nil if a wrapper hides it.
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
