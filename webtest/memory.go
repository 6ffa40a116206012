package webtest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/requestcopy"
)

// memory is a transport that passes requests to a handler through net/http's server, over a
// connection in memory. Each request has a separate connection, with its own address and protocol.
type memory struct {
	handler http.Handler
	way     way // for requests that have no way in their context
	logf    func(format string, args ...any)
}

// wayKey is the context key of a request's way.
type wayKey struct{}

func (m *memory) RoundTrip(req *http.Request) (*http.Response, error) {
	w, ok := req.Context().Value(wayKey{}).(way)
	if !ok {
		w = m.way
	}
	if w.tls == nil && req.URL.Scheme == "https" {
		w.tls = tlsState(req.URL.Hostname(), w.http2)
	}
	call := &call{memory: m, way: w, ctx: req.Context(), done: make(chan struct{})}

	ours, theirs := net.Pipe()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!w.http2)
	protocols.SetUnencryptedHTTP2(w.http2)
	server := &http.Server{
		Handler:     call,
		ErrorLog:    log.New(&call.log, "", 0),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return joinedContext{ctx, req.Context()} },
		Protocols:   protocols,
		// The application must answer "OPTIONS *".
		DisableGeneralOptionsHandler: true,
	}
	// The listener has only this one connection, and Serve ends after it.
	go server.Serve(&oneConn{conn: &addressed{theirs, address(w.remoteAddr)}})
	var dialed atomic.Bool
	transport := &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			if dialed.Swap(true) {
				return nil, errors.New("the application closed the connection")
			}
			return ours, nil
		},
		DisableCompression:    true,
		ExpectContinueTimeout: time.Second,
		Protocols:             protocols,
	}

	out := req.Clone(req.Context())
	out.URL.Scheme = "http" // TLS is only claimed, not spoken
	resp, err := transport.RoundTrip(out)
	if err != nil {
		theirs.Close()
		if req.Context().Err() == nil {
			call.wait()
		}
		return nil, err
	}
	resp.Request = req
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = &answer{resp.Body, call, theirs}
	}
	return resp, nil
}

func tlsState(host string, http2 bool) *tls.ConnectionState {
	proto := "http/1.1"
	if http2 {
		proto = "h2"
	}
	return &tls.ConnectionState{
		Version:            tls.VersionTLS13,
		HandshakeComplete:  true,
		CipherSuite:        tls.TLS_AES_128_GCM_SHA256,
		NegotiatedProtocol: proto,
		ServerName:         host,
	}
}

// call is the application's side of one request.
type call struct {
	memory  *memory
	way     way
	ctx     context.Context
	log     logBuffer
	started atomic.Bool
	done    chan struct{} // closed when the handler has returned
	once    sync.Once

	// It is written before done is closed.
	panicked any
	stack    []byte
	exited   bool
}

// ServeHTTP calls the handler, and recovers its panic.
func (c *call) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.started.Store(true)
	returned := false
	defer c.once.Do(func() { close(c.done) })
	defer func() {
		switch p := recover(); {
		case p != nil:
			if p != http.ErrAbortHandler {
				c.panicked, c.stack = p, debug.Stack()
			}
			c.once.Do(func() { close(c.done) })
			panic(http.ErrAbortHandler)
		case !returned:
			c.exited = true
		}
	}()
	r.TLS = c.way.tls
	received := r
	if c.way.root != "" {
		mounted, ok := gateway.Mount(r, c.way.root)
		if !ok {
			httperror.NotFound.ServeHTTP(w, r)
			returned = true
			return
		}
		r = mounted
	}
	requestcopy.Serve(c.memory.handler, w, r, received)
	returned = true
}

// wait returns when the handler has returned, if the request reached it at all.
// It panics like the handler, and ends the goroutine like the handler.
func (c *call) wait() {
	if !c.started.Load() {
		return
	}
	select {
	case <-c.done:
	case <-c.ctx.Done():
		return
	}
	if p := c.panicked; p != nil {
		c.panicked = nil
		c.memory.logf("the handler panicked: %v\n%s", p, c.stack)
		panic(p)
	}
	if c.exited {
		runtime.Goexit()
	}
}

// answer is a body that ends when the handler ends. The connection stays open
// until then; otherwise the handler would think that the client has gone.
type answer struct {
	io.ReadCloser
	call *call
	conn net.Conn
}

func (a *answer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err != nil {
		a.call.wait()
	}
	return n, err
}

func (a *answer) Close() error {
	err := a.ReadCloser.Close()
	a.conn.Close()
	return err
}

// joinedContext is the server's context, with the values of the test's context.
type joinedContext struct {
	context.Context
	values context.Context
}

func (c joinedContext) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}

// oneConn is a listener of one connection.
type oneConn struct{ conn net.Conn }

func (l *oneConn) Accept() (net.Conn, error) {
	if l.conn == nil {
		return nil, net.ErrClosed
	}
	c := l.conn
	l.conn = nil
	return c, nil
}

func (l *oneConn) Close() error   { return nil }
func (l *oneConn) Addr() net.Addr { return address("memory") }

// addressed is a connection from a given address.
type addressed struct {
	net.Conn
	from address
}

func (a *addressed) RemoteAddr() net.Addr { return a.from }

type address string

func (address) Network() string  { return "memory" }
func (a address) String() string { return string(a) }

// logBuffer keeps the server's log messages about a request.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
