package serving

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/internal/listen"
)

// connections holds every connection of a server. It keeps their number at the limit: for a new
// client it closes the connection that has been idle longest. If none is idle, it closes the
// connection of the client that has kept the server waiting longest.
type connections struct {
	limit int // 0: none
	log   *slog.Logger

	mu      sync.Mutex
	room    sync.Cond
	open    int
	closing bool
	last    bool          // no more will come
	none    chan struct{} // closed when no connection will come and none is left
	idle    list          // in the order in which they became idle
	busy    list
	dropped int           // closed connections that were busy, since the last log record
	logged  time.Duration // when, by ticks
}

func newConnections(limit int, log *slog.Logger) *connections {
	all := &connections{limit: limit, log: log, none: make(chan struct{})}
	all.room.L = &all.mu
	return all
}

// patience is how long a client may keep the server waiting before another
// client gets its connection. A header takes two or three round trips with TLS,
// so that a distant client needs half a second.
const patience = 500 * time.Millisecond

// reserve waits until one more may be open, and adds c. While the server stops there is always
// room: connections that were accepted are served.
func (all *connections) reserve(c *conn) {
	all.mu.Lock()
	defer all.mu.Unlock()
	for all.limit > 0 && all.open >= all.limit && !all.closing {
		other, wait := all.idle.oldest, time.Duration(0)
		if other == nil {
			other, wait = all.slowest()
		}
		if other == nil {
			again := time.AfterFunc(wait, all.lookAgain)
			all.room.Wait()
			again.Stop()
			continue
		}
		other.unlink()
		all.mu.Unlock()
		other.Close()
		all.mu.Lock()
	}
	all.open++
	all.busy.push(c)
}

// lookAgain wakes reserve. The lock makes it block until reserve waits.
func (all *connections) lookAgain() {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.room.Broadcast()
}

// slowest returns the connection whose client has kept the server waiting
// longest, or nil and the time until the next look.
func (all *connections) slowest() (slowest *conn, wait time.Duration) {
	now, most := ticks(), time.Duration(0)
	for c := all.busy.oldest; c != nil; c = c.newer {
		if slow := c.slow(now); slow > most {
			slowest, most = c, slow
		}
	}
	if most < patience {
		return nil, patience - most
	}
	slowest.dropped.Store(true)
	if all.dropped++; now > all.logged {
		all.log.Warn("every connection is in use: clients that keep the server waiting lose theirs to new ones", "limit", all.limit, "dropped", all.dropped)
		all.dropped, all.logged = 0, now+time.Minute
	}
	return slowest, 0
}

// list is a list of connections, the oldest first.
type list struct{ oldest, newest *conn }

func (l *list) push(c *conn) {
	c.in, c.older = l, l.newest
	if l.newest != nil {
		l.newest.newer = c
	} else {
		l.oldest = c
	}
	l.newest = c
}

// unlink takes c out of its list.
func (c *conn) unlink() {
	if c.in == nil {
		return
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		c.in.oldest = c.newer
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		c.in.newest = c.older
	}
	c.older, c.newer, c.in = nil, nil, nil
}

func (all *connections) release(c *conn) {
	all.mu.Lock()
	c.unlink()
	all.open--
	all.noneLeft()
	all.mu.Unlock()
	all.room.Signal()
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

// ended returns a channel that is closed when no connection is left; no more may come.
func (all *connections) ended() <-chan struct{} {
	all.mu.Lock()
	defer all.mu.Unlock()
	all.last = true
	all.noneLeft()
	return all.none
}

// closeAll closes every connection.
func (all *connections) closeAll() {
	all.mu.Lock()
	var open []*conn
	for _, l := range []*list{&all.idle, &all.busy} {
		for c := l.oldest; c != nil; c = c.newer {
			open = append(open, c)
		}
	}
	all.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

// stop ends the waiting of connections for room.
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
	switch state {
	case http.StateIdle:
		c.heard.Store(0)
		c.reading.reset()
	case http.StateHijacked:
		c.reading.stop()
	case http.StateClosed:
		c.state.Store(int32(state))
		return
	}
	all.move(c, state)
}

// move moves c to the list to which it belongs.
func (all *connections) move(c *conn, state http.ConnState) {
	c.state.Store(int32(state))
	all.mu.Lock()
	defer all.mu.Unlock()
	if c.closed.Load() {
		return
	}
	to := &all.busy
	if state == http.StateIdle {
		to = &all.idle
		if all.limit > 0 && all.open >= all.limit {
			all.room.Signal()
		}
	}
	if c.in != to {
		c.unlink()
		to.push(c)
	}
}

// listener accepts connections for a server.
type listener struct {
	net.Listener
	raw   net.Listener // the listener of the system
	addr  string       // as the program named it
	all   *connections
	stall time.Duration
	rate  int64
	plain bool
	// shared says that the socket stays open in another process.
	shared bool
	until  atomic.Int64 // when to stop accepting connections, once that is known
}

// protocol is the name of the protocol that is spoken there, as in package listen.
func (l *listener) protocol() string {
	protocol, _ := listen.Protocol(l.addr)
	return protocol
}

func (l *listener) Accept() (net.Conn, error) {
	nc, err := l.accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: nc, all: l.all, stall: l.stall, plain: l.plain, http: l.protocol() == "", since: ticks()}
	c.reading = pace{stall: l.stall, rate: l.rate, conn: c, owner: c}
	l.all.reserve(c)
	return c, nil
}

// The system completes connections before a program accepts them, and resets
// them when their listener closes. So drain ends when none came for
// backlogPause, or after backlogTime at the latest.
const (
	backlogPause = 10 * time.Millisecond
	backlogTime  = time.Second
)

// drain accepts the connections that clients believe to be open, and then lets
// Accept end. If another process has the socket open too, the connections are
// left to that process.
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
	// The deadline was set by drain, or is left from the last pause. Before anything waits for a
	// new client, the system is asked once more.
	if time.Now().UnixNano() < l.until.Load() {
		l.raw.(deadliner).SetDeadline(time.Now().Add(backlogPause))
		if nc, err = l.Listener.Accept(); err == nil {
			return nc, nil
		}
	}
	return nil, net.ErrClosed
}
