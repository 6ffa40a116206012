package accept

import (
	"bytes"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// Conn is a connection that fails if no bytes move on it for too long.
type Conn struct {
	net.Conn
	server *Server
	stall  time.Duration
	// stalls says that reading is bounded by stall and not by a deadline that
	// was set.
	stalls      atomic.Bool
	interrupted atomic.Bool
	idle        bool // by server.mu

	// When the deadlines of reading and writing were last moved. Setting a
	// deadline costs as much as a small write, so it is done only once in each
	// quarter of the stall time.
	reads, writes atomic.Int64
}

// Within limits the total time of the reads that follow; 0 removes the limit.
func (c *Conn) Within(d time.Duration) {
	c.stalls.Store(false)
	c.interrupted.Store(false)
	deadline := time.Time{}
	if d > 0 {
		deadline = time.Now().Add(d)
	}
	_ = c.SetReadDeadline(deadline)
}

// Stalls limits each read that follows to the stall timeout.
func (c *Conn) Stalls() {
	c.reads.Store(0)
	c.stalls.Store(true)
}

// Idle says whether the connection waits for a request. If it does, a shutdown closes it at once.
// It reports false if the server has been shut down already.
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
		c.arm(&c.reads, c.SetReadDeadline)
	}
	if c.interrupted.Load() {
		return 0, os.ErrDeadlineExceeded
	}
	return c.Conn.Read(p)
}

// Interrupt makes reads fail, including one that already waits, until [Conn.Within] is called.
func (c *Conn) Interrupt() {
	c.interrupted.Store(true)
	_ = c.SetReadDeadline(past)
}

var past = time.Unix(1, 0)

// piece is how much is written under one deadline, in bytes: any network that
// works sends that much in a minute.
const piece = 256 << 10

func (c *Conn) Write(p []byte) (n int, err error) {
	for {
		c.arm(&c.writes, c.SetWriteDeadline)
		m, err := c.Conn.Write(p[:min(len(p), piece)])
		n += m
		if p = p[m:]; err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// WriteBuffers writes several pieces, by one system call if they are not too long for it. It may
// change the list.
func (c *Conn) WriteBuffers(list net.Buffers) (n int64, err error) {
	for len(list) > 0 {
		part, size := list, 0
		for i := range list {
			if room := piece - size; len(list[i]) > room {
				part = append(list[:i:i], list[i][:room])
				list[i] = list[i][room:]
				list = list[i:]
				break
			}
			size += len(list[i])
		}
		whole := len(part) == len(list) && &part[0] == &list[0]
		c.arm(&c.writes, c.SetWriteDeadline)
		m, err := c.writeBuffers(part)
		n += m
		if err != nil || whole {
			return n, err
		}
	}
	return n, nil
}

func (c *Conn) writeBuffers(list net.Buffers) (int64, error) {
	switch to := c.Conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return list.WriteTo(to)
	case interface {
		WriteBuffers(net.Buffers) (int64, error)
	}:
		return to.WriteBuffers(list)
	}
	n, err := c.Conn.Write(bytes.Join(list, nil))
	return int64(n), err
}

// arm moves a deadline to a later time.
func (c *Conn) arm(armed *atomic.Int64, set func(time.Time) error) {
	now := time.Now()
	if now.UnixNano()-armed.Load() < int64(c.stall)/4 {
		return
	}
	armed.Store(now.UnixNano())
	_ = set(now.Add(c.stall + c.stall/4))
}

// Abort cuts the connection so that its peer sees a failure and not a regular end.
func (c *Conn) Abort() {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Conn.Close()
}
