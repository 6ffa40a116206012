package reload

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// trip is the path of one request to a process. If that process dies before it has read any of the
// request, the path leads to the next process.
type trip struct {
	s       *Supervisor
	r       *http.Request // as the client sent it
	began   time.Time
	process *Process // the last process that was tried; the request is counted there
	version string   // of the page that the response contains
	failure *Failure // why there is no other process
	body    replayable
}

// RoundTrip sends the request and returns the response. It is the transport of a reverse proxy.
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
		seen := false // a part of it was written, and a process may have acted on it
		process := t.process
		traced := out.WithContext(httptrace.WithClientTrace(out.Context(), &httptrace.ClientTrace{
			WroteHeaders: func() { process.asked.Store(true) },
			GotConn: func(info httptrace.GotConnInfo) {
				// The transport itself repeats requests that it considers harmless.
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
		t.process.done(t)
		t.process, t.version = next, version
		next.serve(t)
	}
}

// serve records that a request is running in the process, and done records that it has ended. The
// request has already been counted.
func (p *Process) serve(t *trip) {
	p.tripsMu.Lock()
	defer p.tripsMu.Unlock()
	p.trips = append(p.trips, t)
}

func (p *Process) done(t *trip) {
	p.tripsMu.Lock()
	p.trips = slices.DeleteFunc(p.trips, func(other *trip) bool { return other == t })
	p.tripsMu.Unlock()
	p.inFlight.Done()
}

// maxAsked is how many requests are named on the page of a program that died.
const maxAsked = 20

// onTheirWay lists the requests that the process has not answered yet, the oldest first.
func (p *Process) onTheirWay() []debugger.Field {
	p.tripsMu.Lock()
	defer p.tripsMu.Unlock()
	list := []debugger.Field{}
	for i, t := range p.trips {
		if i == maxAsked {
			return append(list, debugger.Field{Name: "…", Value: strconv.Itoa(len(p.trips)-i) + " more"})
		}
		uri := secret.URI(t.r.RequestURI)
		if len(uri) > maxURI {
			uri = uri[:maxURI] + "…"
		}
		list = append(list, debugger.Field{Name: t.r.Method, Value: fmt.Sprintf("%s, since %v", uri, time.Since(t.began).Round(time.Millisecond))})
	}
	return list
}

// maxURI is how many bytes of a request's URI are shown.
const maxURI = 1 << 10

// countingConn is a connection to a process. It knows whether anything was
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

// replayable is the body of a request. The bytes that were read can be read again, up to
// replaySize.
type replayable struct {
	mu   sync.Mutex
	from io.Reader
	kept []byte
	lost bool // more bytes were read than are kept
	view *view
}

const replaySize = 64 << 10

// view reads a body from its beginning; only the newest view is valid. A transport closes a body
// that it could not send, and may still be reading it; the body itself stays open.
type view struct {
	body *replayable
	at   int // in kept
}

// again returns a new view, and reports false if there can be none.
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
