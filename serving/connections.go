package serving

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/serving/listen"
)

// connections is every connection of a server: it keeps their number below the
// limit, at the cost of those that do nothing.
type connections struct {
	limit int // 0: none

	mu      sync.Mutex
	room    sync.Cond
	open    int
	closing bool
	last    bool          // no more are to come
	none    chan struct{} // closed when, after that, none is left
	// The idle ones, in the order in which they became so.
	oldest, newest *conn
}

func newConnections(limit int) *connections {
	all := &connections{limit: max(limit, 0), none: make(chan struct{})}
	all.room.L = &all.mu
	return all
}

// reserve waits until one more may be open. It reports false when the server
// stops.
func (all *connections) reserve() bool {
	all.mu.Lock()
	defer all.mu.Unlock()
	for all.limit > 0 && all.open >= all.limit && !all.closing {
		c := all.oldest
		if c == nil {
			all.room.Wait()
			continue
		}
		all.unlink(c)
		all.mu.Unlock()
		c.Close()
		all.mu.Lock()
	}
	if all.closing {
		return false
	}
	all.open++
	return true
}

// cancel gives back what reserve gave.
func (all *connections) cancel() {
	all.mu.Lock()
	all.less()
	all.mu.Unlock()
	all.room.Signal()
}

func (all *connections) release(c *conn) {
	all.mu.Lock()
	all.unlink(c)
	all.less()
	all.mu.Unlock()
	all.room.Signal()
}

func (all *connections) less() {
	all.open--
	all.noneLeft()
}

func (all *connections) noneLeft() {
	if all.last && all.open == 0 {
		select {
		case <-all.none:
		default:
			close(all.none)
		}
	}
}

// ended returns a channel that is closed when none is left; no more may come.
func (all *connections) ended() <-chan struct{} {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.last = true
	all.noneLeft()
	return all.none
}

// stop lets no more connections wait for room.
func (all *connections) stop() {
	all.mu.Lock()
	all.closing = true
	all.mu.Unlock()
	all.room.Broadcast()
}

// changed is net/http's hook on a connection's state.
func (all *connections) changed(nc net.Conn, state http.ConnState) {
	c := connOf(nc)
	if c == nil {
		return
	}
	c.state.Store(int32(state))
	if state == http.StateIdle {
		c.heard.Store(0)
	}
	if all.limit == 0 || state == http.StateClosed {
		return
	}
	all.mu.Lock()
	if all.unlink(c); state == http.StateIdle && !c.closed.Load() {
		c.idle, c.older = true, all.newest
		if all.newest != nil {
			all.newest.newer = c
		} else {
			all.oldest = c
		}
		all.newest = c
		if all.open >= all.limit {
			all.room.Signal()
		}
	}
	all.mu.Unlock()
}

func (all *connections) unlink(c *conn) {
	if !c.idle {
		return
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		all.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		all.newest = c.older
	}
	c.older, c.newer, c.idle = nil, nil, false
}

// listener accepts connections for a server.
type listener struct {
	net.Listener
	raw   net.Listener // as the system gave it
	addr  string       // as the program named it
	all   *connections
	stall time.Duration
	plain bool
	// shared says that the socket stays open in another process.
	shared bool
	until  atomic.Int64 // when to stop taking in connections, once that is known
}

// protocol is what is spoken there, in the terms of package listen.
func (l *listener) protocol() string {
	protocol, _ := listen.Protocol(l.addr)
	return protocol
}

func (l *listener) Accept() (net.Conn, error) {
	if !l.all.reserve() {
		return l.beyond()
	}
	nc, err := l.accept()
	if err != nil {
		l.all.cancel()
		return nil, err
	}
	return &conn{Conn: nc, all: l.all, stall: l.stall, plain: l.plain}, nil
}

// beyond accepts beyond the limit what the system has accepted already.
func (l *listener) beyond() (net.Conn, error) {
	nc, err := l.accept()
	if err != nil {
		return nil, err
	}
	l.all.mu.Lock()
	l.all.open++
	l.all.mu.Unlock()
	return &conn{Conn: nc, all: l.all, stall: l.stall, plain: l.plain}, nil
}

// The system completes connections before anybody accepts them, and resets
// them when their listener closes: taking them in ends when none came for
// backlogPause, and after backlogTime at the latest.
const (
	backlogPause = 10 * time.Millisecond
	backlogTime  = time.Second
)

// drain takes in the connections that clients believe to have, and then lets
// Accept end. A socket that another process has open too keeps them for that.
func (l *listener) drain() {
	now := time.Now()
	if l.shared {
		l.until.Store(now.UnixNano())
	} else {
		holdNew(l.raw)
		l.until.Store(now.Add(backlogTime).UnixNano())
	}
	if d, ok := l.raw.(deadliner); !ok || d.SetDeadline(now) != nil {
		l.Close()
	}
}

type deadliner interface{ SetDeadline(time.Time) error }

func (l *listener) accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return nc, err
	}
	// The deadline was drain's, or is that of the last pause. With a new one the
	// system is asked again before anything is waited for.
	if time.Now().UnixNano() < l.until.Load() {
		l.raw.(deadliner).SetDeadline(time.Now().Add(backlogPause))
		if nc, err = l.Listener.Accept(); err == nil {
			return nc, nil
		}
	}
	return nil, net.ErrClosed
}
