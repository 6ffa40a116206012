package fastcgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/internal/accept"
)

// connection carries requests, one after the other or interleaved. One
// goroutine reads all records; each request is answered by one of its own.
type connection struct {
	conn     *accept.Conn
	handler  http.Handler
	settings accept.Settings

	writing sync.Mutex
	out     []byte // by writing

	mu       sync.Mutex
	requests map[uint16]*request
	answers  sync.WaitGroup
	failed   error // why the connection was cut, by mu
	closing  bool  // the last answer is out, by mu
}

// linger is how long a connection is read after its last answer: closed with
// bytes unread it would be reset, and the answer with it.
const linger = 2 * time.Second

// request is a request that is being read or answered.
type request struct {
	id     uint16
	keep   bool
	params []byte
	body   *stream
	cancel context.CancelFunc
}

func newConnection(c *accept.Conn, handler http.Handler, settings accept.Settings) *connection {
	return &connection{conn: c, handler: handler, settings: settings, requests: map[uint16]*request{}}
}

func (c *connection) serve() error {
	in := &reader{from: bufio.NewReaderSize(c.conn, 64<<10)}
	err := c.read(in)
	// Nobody is there any more to read the answers that are being made.
	c.mu.Lock()
	for _, req := range c.requests {
		if req.cancel != nil {
			req.cancel()
		}
		if req.body != nil {
			req.body.end(io.ErrUnexpectedEOF)
		}
	}
	failed := c.failed
	c.mu.Unlock()
	c.answers.Wait()
	switch {
	case failed != nil:
		return failed
	case errors.Is(err, ErrProtocol):
		return err
	}
	return accept.ErrGone
}

// read reads records until the connection ends.
func (c *connection) read(in *reader) error {
	for {
		if !c.wait() {
			return http.ErrServerClosed
		}
		rec, err := in.next()
		if err != nil {
			return err
		}
		c.conn.Idle(false)
		if err := c.take(rec); err != nil {
			return err
		}
	}
}

// wait sets how long the next record may take: a request's variables their
// time, the rest as long as the server in front likes. It reports false where
// none is to be waited for.
func (c *connection) wait() bool {
	c.mu.Lock()
	open := len(c.requests)
	heads, closing := 0, c.closing
	for _, req := range c.requests {
		if req.body == nil {
			heads++
		}
	}
	c.mu.Unlock()
	if closing {
		return true // within linger
	}
	if heads > 0 {
		c.conn.Within(c.settings.HeaderTimeout)
		return true
	}
	c.conn.Within(0)
	return open > 0 || c.conn.Idle(true)
}

func (c *connection) take(rec record) error {
	if rec.id == 0 {
		return c.manage(rec)
	}
	c.mu.Lock()
	req := c.requests[rec.id]
	c.mu.Unlock()
	switch rec.kind {
	case typeBegin:
		return c.begin(rec, req)
	case typeParams:
		if req == nil || req.body != nil {
			return nil
		}
		if len(rec.content) == 0 {
			return c.start(req)
		}
		if len(req.params)+len(rec.content) > c.settings.MaxHeader {
			return fmt.Errorf("%w: variables of more than %d bytes", ErrProtocol, c.settings.MaxHeader)
		}
		req.params = append(req.params, rec.content...)
	case typeStdin:
		if req == nil || req.body == nil {
			return nil // the rest of what was answered already
		}
		if len(rec.content) == 0 {
			req.body.end(io.EOF)
			return nil
		}
		req.body.put(rec.content)
	case typeAbort:
		if req == nil {
			return nil
		}
		if req.cancel == nil {
			c.forget(req)
			return c.write(appendRecord(nil, typeEnd, rec.id, endContent(statusComplete)))
		}
		req.cancel()
		req.body.end(io.ErrUnexpectedEOF)
	case typeData:
		// For filters, which we are none of.
	default:
		return fmt.Errorf("%w: a record of type %d in a request", ErrProtocol, rec.kind)
	}
	return nil
}

// manage answers a record of the connection itself.
func (c *connection) manage(rec record) error {
	if rec.kind != typeGetValues {
		return c.write(appendRecord(nil, typeUnknown, 0, []byte{rec.kind, 0, 0, 0, 0, 0, 0, 0}))
	}
	asked, err := variables(rec.content)
	if err != nil {
		return err
	}
	var values []byte
	most := strconv.Itoa(c.settings.MaxConnections)
	for name, value := range map[string]string{"FCGI_MAX_CONNS": most, "FCGI_MAX_REQS": most, "FCGI_MPXS_CONNS": "1"} {
		if _, ok := asked[name]; ok {
			values = appendVariable(values, name, value)
		}
	}
	return c.write(appendRecord(nil, typeValues, 0, values))
}

func (c *connection) begin(rec record, open *request) error {
	if open != nil || len(rec.content) < 3 {
		return fmt.Errorf("%w: request %d begins twice or without a role", ErrProtocol, rec.id)
	}
	keep := rec.content[2]&flagKeep != 0
	if role := int(rec.content[0])<<8 | int(rec.content[1]); role != roleResponder {
		return c.write(appendRecord(nil, typeEnd, rec.id, endContent(statusRole)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.requests) >= 256 {
		return c.write(appendRecord(nil, typeEnd, rec.id, endContent(statusOverload)))
	}
	c.requests[rec.id] = &request{id: rec.id, keep: keep}
	return nil
}

// start answers a request whose variables are there.
func (c *connection) start(req *request) error {
	vars, err := variables(req.params)
	if err != nil {
		return err
	}
	req.params = nil
	body := newStream(c.settings.StallTimeout)
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	req.body, req.cancel = body, cancel
	c.mu.Unlock()
	c.answers.Go(func() {
		defer cancel()
		err := c.answer(ctx, req, vars)
		body.end(io.ErrClosedPipe)
		c.forget(req)
		switch {
		case err != nil:
			// An answer that is cut must not look like one that is whole.
			if ctx.Err() == nil {
				c.mu.Lock()
				c.failed = errors.Join(c.failed, err)
				c.mu.Unlock()
			}
			c.conn.Abort()
		case !req.keep:
			c.close()
		}
	})
	return nil
}

// close ends the connection after its last answer.
func (c *connection) close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.conn.Within(linger)
	if half, ok := c.conn.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	_ = c.conn.Close()
}

func (c *connection) answer(ctx context.Context, req *request, vars map[string]string) error {
	r, err := cgi.NewRequest(ctx, vars, req.body)
	if err != nil {
		c.settings.Logger.Warn("request not answered", "err", err)
		text := "Status: 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBad Request\n"
		return c.end(req, []byte(text))
	}
	if err := cgi.Answer(c.handler, cgi.NewWriter(&stdout{c, req.id}, r), r, c.settings.MaxBody, c.settings.Logger); err != nil {
		return err
	}
	return c.end(req, nil)
}

// end sends what is left of an answer, and that it is complete.
func (c *connection) end(req *request, rest []byte) error {
	var b []byte
	if len(rest) > 0 {
		b = appendRecord(b, typeStdout, req.id, rest)
	}
	b = appendRecord(b, typeStdout, req.id, nil)
	// From the last record on the number is free for the next request.
	c.mu.Lock()
	c.free(req)
	c.mu.Unlock()
	return c.write(appendRecord(b, typeEnd, req.id, endContent(statusComplete)))
}

func (c *connection) forget(req *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.free(req)
	if len(c.requests) == 0 && !c.conn.Idle(true) {
		_ = c.conn.Close()
	}
}

// free gives the number of a request back, unless another one has it already.
func (c *connection) free(req *request) {
	if c.requests[req.id] == req {
		delete(c.requests, req.id)
	}
}

func (c *connection) write(b []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_, err := c.conn.Write(b)
	return err
}

// stdout sends an answer as records.
type stdout struct {
	c  *connection
	id uint16
}

func (s *stdout) Write(p []byte) (n int, err error) {
	s.c.writing.Lock()
	defer s.c.writing.Unlock()
	for len(p) > 0 {
		part := p[:min(len(p), maxContent&^7)]
		s.c.out = appendRecord(s.c.out[:0], typeStdout, s.id, part)
		if _, err := s.c.conn.Write(s.c.out); err != nil {
			return n, err
		}
		n, p = n+len(part), p[len(part):]
	}
	return n, nil
}
