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

// conn is a client's connection. It adds the features that a server on the internet needs to a
// connection of net/http. These are a response for a client that never ends its header, a limit for
// a client that does not read, a lingering close, and its place among the [connections].
type conn struct {
	net.Conn
	all   *connections
	stall time.Duration // 0: not bounded
	plain bool          // not TLS: the client sees the bytes that are written here
	http  bool          // HTTP, and not the protocol of a gateway
	// overUDP says that this is a connection of HTTP/3, which neither reads nor writes through it.
	overUDP bool
	since   time.Duration // when it was accepted, by ticks

	state atomic.Int32 // an http.ConnState
	heard atomic.Int64 // bytes read since the last request was answered
	http2 atomic.Bool

	armed    atomic.Int64 // when the write deadline was last set, by ticks; 0 means not yet
	manual   atomic.Bool  // the application sets the write deadline itself
	answered atomic.Bool  // Read has sent it, instead of net/http
	closed   atomic.Bool
	dropped  atomic.Bool // for another client

	reading pace        // of the request's body, over HTTP/1
	drains  atomic.Bool // net/http may be reading the rest of the body before it writes

	// How many requests run over HTTP/2 and HTTP/3, and how many of them wait for the client. waits
	// is when the last of them began to wait, and writes is when a write began to wait, by ticks.
	running, waiting atomic.Int32
	waits, writes    atomic.Int64
	rested           atomic.Int64 // since when no request runs over HTTP/3, by ticks

	older, newer *conn // in the list, under all.mu
	in           *list
}

const preface = "PRI * HTTP/2.0"

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		if c.heard.Add(int64(n)) == int64(n) && strings.HasPrefix(string(b[:min(n, len(preface))]), preface) {
			c.http2.Store(true)
		}
	}
	if err != nil && c.halfAsked() && errors.Is(err, os.ErrDeadlineExceeded) && !c.answered.Swap(true) {
		c.Conn.SetWriteDeadline(time.Now().Add(time.Second))
		io.WriteString(c.Conn, timeoutAnswer)
	}
	return n, err
}

// timeoutAnswer is a response that net/http does not send: it only closes the connection.
const (
	timeoutText   = "The header of the request took too long.\n"
	timeoutAnswer = "HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Connection: close\r\nContent-Length: 41\r\n\r\n" + timeoutText
)

// halfAsked reports whether part of a request's header has been read.
func (c *conn) halfAsked() bool {
	s := http.ConnState(c.state.Load())
	return c.plain && c.heard.Load() > 0 && !c.http2.Load() && (s == http.StateNew || s == http.StateIdle)
}

func (c *conn) Write(b []byte) (n int, err error) {
	if c.answered.Load() {
		return 0, net.ErrClosed // net/http would send another response
	}
	c.endDrain()
	defer c.writes.Store(0)
	for {
		c.arm()
		m, err := c.Conn.Write(b[:min(len(b), piece)])
		n += m
		if b = b[m:]; err != nil || len(b) == 0 {
			return n, err
		}
	}
}

// ReadFrom lets net/http use sendfile, for one piece at a time.
func (c *conn) ReadFrom(r io.Reader) (n int64, err error) {
	c.endDrain()
	defer c.writes.Store(0)
	to, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, r)
	}
	// If a source can write itself and is no longer than a piece, that may be faster.
	if own, ok := r.(interface {
		io.WriterTo
		Len() int
	}); ok && own.Len() <= piece {
		c.arm()
		return to.ReadFrom(r)
	}
	// For sendfile, the file must be directly inside a single LimitedReader.
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

// WriteBuffers is for the gateways, which send a header and the bytes after it with one system
// call. The gateways limit the size of one write themselves.
func (c *conn) WriteBuffers(list net.Buffers) (int64, error) {
	c.arm()
	switch c.Conn.(type) {
	case *net.TCPConn, *net.UnixConn:
		return list.WriteTo(c.Conn)
	}
	n, err := c.Conn.Write(bytes.Join(list, nil))
	return int64(n), err
}

// NetConn returns the inner connection, on which the gateways see that a web
// server has hung up.
func (c *conn) NetConn() net.Conn { return c.Conn }

// arm moves the write deadline to a later time. It does that only once in each
// quarter of the stall time: setting a deadline costs as much as a small write.
func (c *conn) arm() {
	if c.stall == 0 || c.manual.Load() {
		return
	}
	now := int64(ticks())
	c.writes.Store(now)
	if last := c.armed.Load(); last != 0 && now-last < int64(c.stall)/4 {
		return
	}
	c.armed.Store(now)
	c.Conn.SetWriteDeadline(time.Now().Add(c.stall + c.stall/4))
}

// SetWriteDeadline lets an application set its own deadline, until net/http
// resets it between two requests.
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

// beginWait counts a request that has begun to wait for the client at that time.
func (c *conn) beginWait(since time.Duration) {
	c.waits.Store(int64(since))
	c.waiting.Add(1)
}

func (c *conn) endWait() { c.waiting.Add(-1) }

// begin counts a request of HTTP/2 or HTTP/3.
func (c *conn) begin() {
	if c.running.Add(1) == 1 && c.overUDP {
		c.all.move(c, http.StateActive)
	}
}

func (c *conn) end() {
	c.rested.Store(int64(ticks()))
	if c.running.Add(-1) == 0 && c.overUDP {
		c.all.move(c, http.StateIdle)
	}
}

// endDrain says that net/http will not read more of a body before it writes the response. It
// reports whether that was new.
func (c *conn) endDrain() bool {
	if !c.drains.Load() || !c.drains.CompareAndSwap(true, false) {
		return false
	}
	c.reading.end(0)
	return true
}

// expired ends the reading of a body.
func (c *conn) expired(*pace) { _ = c.Conn.SetReadDeadline(past) }

// slow returns for how long only the client has kept the connection busy, or 0
// if something else keeps it busy.
func (c *conn) slow(now time.Duration) time.Duration {
	if !c.http {
		return 0 // the web server in front takes care of slow clients
	}
	if writes := c.writes.Load(); writes != 0 {
		return now - time.Duration(writes)
	}
	switch http.ConnState(c.state.Load()) {
	case http.StateNew:
		return now - c.since
	case http.StateActive:
		if n := c.waiting.Load(); n > 0 && n >= c.running.Load() {
			return now - time.Duration(c.waits.Load())
		}
	}
	return 0
}

// Lingering: if a client is refused while it sends, the rest of its bytes must be read, or a reset
// would destroy the response.
const (
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
)

// net/http calls CloseWrite if it has sent the response before the whole request came in.
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

// SetLinger lets the gateways reset a connection whose response is not complete.
func (c *conn) SetLinger(sec int) error {
	if tcp, ok := c.Conn.(interface{ SetLinger(int) error }); ok {
		return tcp.SetLinger(sec)
	}
	return nil
}

// With SetIdle, a gateway says that the connection waits for a request, as
// net/http does with its hook.
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
	c.reading.stop()
	c.all.release(c)
	return err
}

type connKey struct{}

// connOf returns the conn inside the connection that net/http knows.
func connOf(nc net.Conn) *conn {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	c, _ := nc.(*conn)
	return c
}
