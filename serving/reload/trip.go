package reload

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
)

// trip is the way of one request to a process, and to the next one where the
// first died before it saw anything of the request.
type trip struct {
	s       *Supervisor
	r       *http.Request // as the client sent it
	process *Process      // asked last, with the request counted
	version string        // of the page that it answers
	failure *Failure      // why there is no other
	body    replayable
}

// RoundTrip asks for an answer. It is the transport of a reverse proxy.
func (t *trip) RoundTrip(out *http.Request) (*http.Response, error) {
	var lost error
	for {
		if t.r.ContentLength != 0 {
			body, ok := t.body.again()
			if !ok {
				return nil, lost
			}
			out.Body = body
		}
		var used *countingConn
		var before int64
		seen := false // part of it was written, of which a process may have taken notice
		process := t.process
		traced := out.WithContext(httptrace.WithClientTrace(out.Context(), &httptrace.ClientTrace{
			WroteHeaders: func() { process.asked.Store(true) },
			GotConn: func(info httptrace.GotConnInfo) {
				// The transport asks again by itself what it thinks harmless.
				seen = seen || used != nil && used.written.Load() != before
				used = info.Conn.(*countingConn)
				before = used.written.Load()
			},
		}))
		resp, err := t.process.requests.RoundTrip(traced)
		if err == nil {
			return resp, nil
		}
		if lost = err; seen || used != nil && used.written.Load() != before {
			return nil, err
		}
		t.process.awaitEnd()
		next, failure, version := t.s.acquire(t.r)
		if next == nil || next == t.process {
			if next != nil {
				next.inFlight.Done()
			}
			t.failure = failure
			return nil, err
		}
		t.process.inFlight.Done()
		t.process, t.version = next, version
	}
}

// countingConn is a connection to a process that knows whether anything was
// written to it.
type countingConn struct {
	net.Conn
	written atomic.Int64
}

func (c *countingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Add(int64(n))
	return n, err
}

// dialer connects to the unix socket at path.
func dialer(path string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, "unix", path)
		if err != nil {
			return nil, err
		}
		return &countingConn{Conn: c}, nil
	}
}

// replayable is the body of a request: what was read of it can be read again, up
// to replaySize.
type replayable struct {
	mu   sync.Mutex
	from io.Reader
	kept []byte
	lost bool // more was read than is kept
	view *view
}

const replaySize = 64 << 10

// view is a reading of a body from its beginning, the last one only. A transport
// closes what it could not send, and may even go on to read it; the body itself
// stays open.
type view struct {
	body *replayable
	at   int // in kept
}

// again returns a new reading, and reports false where there can be none.
func (b *replayable) again() (io.ReadCloser, bool) {
	if !b.mu.TryLock() {
		return nil, false // being read
	}
	defer b.mu.Unlock()
	b.view = &view{body: b}
	return b.view, !b.lost
}

func (v *view) Read(p []byte) (int, error) {
	b := v.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if v != b.view {
		return 0, net.ErrClosed
	}
	if v.at < len(b.kept) {
		n := copy(p, b.kept[v.at:])
		v.at += n
		return n, nil
	}
	n, err := b.from.Read(p)
	if b.lost = b.lost || len(b.kept)+n > replaySize; !b.lost {
		b.kept = append(b.kept, p[:n]...)
		v.at = len(b.kept)
	}
	return n, err
}

func (v *view) Close() error { return nil }
