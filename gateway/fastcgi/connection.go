package fastcgi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/zeugkit/zeug/gateway/internal/accept"
	"github.com/zeugkit/zeug/gateway/internal/exchange"
)

// connection carries requests, one after the other or interleaved. One
// goroutine reads all records, and each request has a goroutine that answers
// it.
type connection struct {
	conn     *accept.Conn
	handler  http.Handler
	settings accept.Settings

	heads int // requests whose variables have not all arrived; used by the reading goroutine

	writing sync.Mutex
	out     []byte                   // by writing
	heading [atOnce][headerSize]byte // by writing
	pieces  [atOnce * 4][]byte       // by writing

	mu       sync.Mutex
	requests map[uint16]*request
	answers  sync.WaitGroup
	failed   error // why the connection was cut; guarded by mu
	closing  bool  // the last response has been sent; guarded by mu
}

// linger is how long a connection is read after its last response: if it were
// closed with unread bytes, it would be reset and the response lost.
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
	err := http.ErrServerClosed
	if c.conn.Idle(true) {
		err = c.read(newReader(c.conn))
	}
	// The running responses have no connection any more.
	c.gone()
	c.mu.Lock()
	for _, req := range c.requests {
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
	case errors.Is(err, errProtocol):
		return err
	}
	return accept.ErrGone
}

// gone tells the handlers that the peer has left, and their clients with it.
func (c *connection) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, req := range c.requests {
		if req.cancel != nil {
			req.cancel()
		}
	}
}

// read reads records until the connection ends.
func (c *connection) read(in *reader) error {
	c.conn.Within(0)
	for {
		rec, err := in.head()
		if err != nil {
			return err
		}
		if err := c.take(in, rec); err != nil {
			return err
		}
	}
}

// take reads the content of a record, or skips it, and acts on it.
func (c *connection) take(in *reader, rec record) error {
	c.mu.Lock()
	req := c.requests[rec.id]
	c.mu.Unlock()
	switch {
	case rec.id == 0:
	case rec.kind == typeStdin && rec.size > 0 && req != nil && req.body != nil:
		if err := req.body.fill(in.Reader, rec.size); err != nil {
			return early(err)
		}
		return in.skip(rec.padding)
	case rec.kind == typeStdin && rec.size > 0, rec.kind == typeData:
		// This is the rest of a request that was answered already, or is for filters.
		return in.skip(rec.size + rec.padding)
	case rec.kind == typeParams && req != nil && len(req.params)+rec.size > c.settings.MaxHeader:
		return fmt.Errorf("%w: variables of more than %d bytes", errProtocol, c.settings.MaxHeader)
	}
	content, err := in.content(rec)
	if err != nil {
		return err
	}
	if rec.id == 0 {
		return c.manage(rec, content)
	}
	return c.act(rec, content, req)
}

// act acts on a record of a request. req is nil if the request is not known, as before
// it begins and after its end.
func (c *connection) act(rec record, content []byte, req *request) error {
	switch rec.kind {
	case typeBegin:
		return c.begin(rec, content, req)
	case typeParams:
		if req == nil || req.body != nil {
			return nil
		}
		if len(content) == 0 {
			return c.start(req)
		}
		req.params = append(req.params, content...)
	case typeStdin:
		if req != nil && req.body != nil {
			req.body.end(io.EOF)
		}
	case typeAbort:
		if req == nil {
			return nil
		}
		if req.cancel == nil {
			c.headed()
			c.forget(req)
			return c.write(appendRecord(nil, typeEnd, rec.id, endContent(statusComplete)))
		}
		req.cancel()
		req.body.end(io.ErrUnexpectedEOF)
	default:
		return fmt.Errorf("%w: a record of type %d in a request", errProtocol, rec.kind)
	}
	return nil
}

// headed notes that the variables of a request have arrived. The time for the variables of the
// other requests is bounded; if none are left, there is no bound.
func (c *connection) headed() {
	c.heads--
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.heads == 0 && !c.closing {
		c.conn.Within(0)
	}
}

// manage answers a record of the connection itself.
func (c *connection) manage(rec record, content []byte) error {
	if rec.kind != typeGetValues {
		return c.write(appendRecord(nil, typeUnknown, 0, []byte{rec.kind, 0, 0, 0, 0, 0, 0, 0}))
	}
	asked, err := variables(string(content))
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

func (c *connection) begin(rec record, content []byte, open *request) error {
	if open != nil || len(content) < 3 {
		return fmt.Errorf("%w: request %d begins twice or without a role", errProtocol, rec.id)
	}
	keep := content[2]&flagKeep != 0
	if role := int(content[0])<<8 | int(content[1]); role != roleResponder {
		return c.write(appendRecord(nil, typeEnd, rec.id, endContent(statusRole)))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.requests) >= 256 {
		return c.write(appendRecord(nil, typeEnd, rec.id, endContent(statusOverload)))
	}
	c.requests[rec.id] = &request{id: rec.id, keep: keep}
	c.conn.Idle(false)
	if c.heads++; !c.closing {
		c.conn.Within(c.settings.HeaderTimeout)
	}
	return nil
}

// start answers a request whose variables have arrived.
func (c *connection) start(req *request) error {
	vars, err := variables(string(req.params))
	if err != nil {
		return err
	}
	req.params = nil
	c.headed()
	body := newStream(c.conn, c.settings.StallTimeout, c.gone)
	ctx, cancel := context.WithCancel(context.Background())
	c.mu.Lock()
	req.body, req.cancel = body, cancel
	c.mu.Unlock()
	c.answers.Go(func() {
		defer cancel()
		err := c.answer(ctx, req, vars)
		body.drop()
		c.forget(req)
		switch {
		case err != nil:
			// A response that was cut must not look complete.
			if ctx.Err() == nil {
				c.mu.Lock()
				c.failed = errors.Join(c.failed, err)
				c.mu.Unlock()
				c.spoil()
			}
			c.conn.Abort()
		case !req.keep:
			c.close()
		}
	})
	return nil
}

// spoil sends bytes that are not a valid record. A unix socket cannot be reset, and nginx takes the
// end of the connection for the end of a response. If another response is being written, the end
// comes in the middle of it.
func (c *connection) spoil() {
	if !c.writing.TryLock() {
		return
	}
	defer c.writing.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = c.conn.Conn.Write(zeros[:])
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
	r, err := exchange.NewRequest(ctx, vars, req.body)
	if err != nil {
		c.settings.Logger.Warn("request not answered", "err", err)
		text := "Status: 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBad Request\n"
		return c.end(req, []byte(text))
	}
	if err := exchange.Answer(c.handler, exchange.NewWriter(&stdout{c, req.id}, r), r, c.settings.MaxBody, c.settings.Logger); err != nil {
		return err
	}
	return c.end(req, nil)
}

// end sends the rest of a response, and a record that says that it is complete.
func (c *connection) end(req *request, rest []byte) error {
	var b []byte
	if len(rest) > 0 {
		b = appendRecord(b, typeStdout, req.id, rest)
	}
	b = appendRecord(b, typeStdout, req.id, nil)
	// After the last record the number is free for the next request.
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

// free makes the number of a request available again, unless another one has it already.
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

// stdout sends a response as records.
type stdout struct {
	c  *connection
	id uint16
}

func (s *stdout) Write(p []byte) (int, error) {
	if len(p) <= small {
		s.c.writing.Lock()
		defer s.c.writing.Unlock()
		s.c.out = appendRecord(s.c.out[:0], typeStdout, s.id, p)
		_, err := s.c.conn.Write(s.c.out)
		return len(p), err
	}
	n, err := s.WriteBuffers(net.Buffers{p})
	return int(n), err
}

const (
	// small is the length up to which copying a piece behind its record's
	// header costs less than passing both to the system.
	small = 4 << 10
	// longest is the longest record: it needs no padding.
	longest = maxContent &^ 7
	// atOnce is how many records one system call sends.
	atOnce = 4
)

// WriteBuffers sends several pieces, one after the other.
func (s *stdout) WriteBuffers(list net.Buffers) (n int64, err error) {
	s.c.writing.Lock()
	defer s.c.writing.Unlock()
	left := 0
	for _, p := range list {
		left += len(p)
	}
	for left > 0 {
		pieces, sent := s.c.pieces[:0], 0
		for i := 0; i < atOnce && left > 0; i++ {
			size := min(left, longest)
			pieces = append(pieces, appendHead(s.c.heading[i][:0], typeStdout, s.id, size))
			for rest := size; rest > 0; {
				part := list[0][:min(rest, len(list[0]))]
				pieces = append(pieces, part)
				rest -= len(part)
				if list[0] = list[0][len(part):]; len(list[0]) == 0 {
					list = list[1:]
				}
			}
			pieces = append(pieces, zeros[:padding(size)])
			sent, left = sent+size, left-size
		}
		_, err := s.c.conn.WriteBuffers(pieces)
		clear(s.c.pieces[:])
		if err != nil {
			return n, err
		}
		n += int64(sent)
	}
	return n, nil
}
