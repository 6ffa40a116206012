package accept

import (
	"net"
	"sync/atomic"
	"time"
)

// Conn is a connection that fails when nothing moves on it for too long.
type Conn struct {
	net.Conn
	server *Server
	stall  time.Duration
	// stalls says that reading is bounded by stall and not by a deadline that
	// was set.
	stalls atomic.Bool
	idle   bool // by server.mu
}

// Within bounds the reading that follows as a whole; 0 lifts the bound.
func (c *Conn) Within(d time.Duration) {
	c.stalls.Store(false)
	deadline := time.Time{}
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	_ = c.SetReadDeadline(deadline)
}

// Stalls bounds each read that follows by the stall timeout.
func (c *Conn) Stalls() { c.stalls.Store(true) }

// Idle says whether the connection waits for a request: then a shutdown closes
// it at once. It reports false where the server has been shut down already.
func (c *Conn) Idle(idle bool) bool {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if outer, ok := c.Conn.(interface{ SetIdle(bool) }); ok && c.idle != idle {
		outer.SetIdle(idle)
	}
	c.idle = idle
	return !c.server.closed
}

func (c *Conn) Read(p []byte) (int, error) {
	if c.stalls.Load() {
		_ = c.SetReadDeadline(time.Now().Add(c.stall))
	}
	return c.Conn.Read(p)
}

func (c *Conn) Write(p []byte) (int, error) {
	_ = c.SetWriteDeadline(time.Now().Add(c.stall))
	return c.Conn.Write(p)
}

// Abort cuts the connection so that its peer sees a failure and not an end.
func (c *Conn) Abort() {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}
