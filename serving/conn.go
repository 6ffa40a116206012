package serving

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

// conn is a client's connection. It adds to a connection of net/http what a
// server in the open needs: an answer for a client that never ends its header,
// a bound on how long one that takes nothing is waited for, a lingering close,
// and its place among the [connections].
type conn struct {
	net.Conn
	all   *connections
	stall time.Duration
	plain bool // not TLS: what is written here is seen by the client

	state atomic.Int32 // an http.ConnState
	heard atomic.Int64 // bytes read since the last request was answered
	http2 atomic.Bool

	armed  atomic.Int64 // when the write deadline was last set, in ns
	manual atomic.Bool  // the application sets the write deadline itself
	closed atomic.Bool

	older, newer *conn // among the idle ones, under all.mu
	idle         bool
}

// piece is how much is written under one deadline. It makes StallTimeout a
// least rate: 256 KiB in 30 s is 9 KB/s, which every network reaches.
const piece = 256 << 10

const preface = "PRI * HTTP/2.0"

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		if c.heard.Add(int64(n)) == int64(n) && strings.HasPrefix(string(b[:min(n, len(preface))]), preface) {
			c.http2.Store(true)
		}
	}
	if err != nil && c.halfAsked() && errors.Is(err, os.ErrDeadlineExceeded) {
		c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		io.WriteString(c.Conn, timeoutAnswer)
	}
	return n, err
}

// timeoutAnswer is what net/http does not say: it closes the connection.
const (
	timeoutText   = "The header of the request took too long.\n"
	timeoutAnswer = "HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Connection: close\r\n\r\n" + timeoutText
)

// halfAsked reports whether part of a request's header has been read.
func (c *conn) halfAsked() bool {
	s := http.ConnState(c.state.Load())
	return c.plain && c.heard.Load() > 0 && !c.http2.Load() && (s == http.StateNew || s == http.StateIdle)
}

func (c *conn) Write(b []byte) (n int, err error) {
	for {
		c.arm()
		m, err := c.Conn.Write(b[:min(len(b), piece)])
		n += m
		if b = b[m:]; err != nil || len(b) == 0 {
			return n, err
		}
	}
}

// ReadFrom keeps sendfile within reach of net/http, a piece at a time.
func (c *conn) ReadFrom(r io.Reader) (n int64, err error) {
	to, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	// What writes itself, and is no more than a piece, may know a shorter way.
	if own, ok := r.(interface {
		io.WriterTo
		Len() int
	}); ok && own.Len() <= piece {
		c.arm()
		return to.ReadFrom(r)
	}
	// The kernel's copy wants the file right below one LimitedReader.
	from, limited := r.(*io.LimitedReader)
	if !limited {
		from = &io.LimitedReader{R: r, N: 1<<63 - 1}
	}
	for from.N > 0 {
		c.arm()
		part := &io.LimitedReader{R: from.R, N: min(from.N, piece)}
		want := part.N
		m, err := to.ReadFrom(part)
		n += m
		from.N -= m
		if err != nil || m < want {
			return n, err
		}
	}
	return n, nil
}

// WriteBuffers is for the gateways, which send a head and what follows by one
// call of the system. They bound what they write at once themselves.
func (c *conn) WriteBuffers(list net.Buffers) (int64, error) {
	c.arm()
	switch c.Conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return list.WriteTo(c.Conn)
	}
	n, err := c.Conn.Write(bytes.Join(list, nil))
	return int64(n), err
}

// NetConn is the connection below, on which the gateways see that a web server
// has hung up.
func (c *conn) NetConn() net.Conn { return c.Conn }

// arm moves the write deadline on. It does so for every quarter of the stall
// only: setting a deadline costs as much as a small write.
func (c *conn) arm() {
	if c.stall <= 0 || c.manual.Load() {
		return
	}
	now := time.Now()
	if last := c.armed.Load(); now.UnixNano()-last < int64(c.stall)/4 {
		return
	}
	c.armed.Store(now.UnixNano())
	c.Conn.SetWriteDeadline(now.Add(c.stall + c.stall/4))
}

// SetWriteDeadline lets an application set its own, until net/http resets it
// between two requests.
func (c *conn) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		if !c.manual.Swap(false) {
			return nil
		}
		c.armed.Store(0)
	} else {
		c.manual.Store(true)
	}
	return c.Conn.SetWriteDeadline(t)
}

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// Lingering: a client that is refused while it sends would lose the refusal to
// a reset, unless what it still sends is read.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
)

// CloseWrite is called by net/http where the answer went out before the whole
// request came in.
func (c *conn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return nil
	}
	err := half.CloseWrite()
	if err == nil && c.plain {
		c.Conn.SetReadDeadline(time.Now().Add(lingerTime))
		io.CopyN(io.Discard, c.Conn, lingerBytes)
	}
	return err
}

// SetLinger lets the gateways reset a connection whose answer is not whole.
func (c *conn) SetLinger(sec int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(sec)
	}
	return nil
}

// SetIdle is how a gateway says that the connection waits for a request, as
// net/http does by its hook.
func (c *conn) SetIdle(idle bool) {
	state := http.StateActive
	if idle {
		state = http.StateIdle
	}
	c.all.changed(c, state)
}

func (c *conn) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	err := c.Conn.Close()
	c.all.release(c)
	return err
}

// connOf returns the conn under what net/http knows as a connection.
func connOf(nc net.Conn) *conn {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}
