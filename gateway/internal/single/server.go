// Package single serves protocols in which a connection carries one request:
// SCGI and uwsgi. They differ in how the variables of the request are written;
// this package has the rest.
package single

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/zeugkit/zeug/gateway/internal/accept"
	"github.com/zeugkit/zeug/gateway/internal/exchange"
)

// Protocol is the part that differs.
type Protocol struct {
	// Read reads the variables of a request, of at most limit bytes. Its error
	// says what is wrong with them.
	Read func(r *bufio.Reader, limit int) (map[string]string, error)
	// HTTP makes responses begin with the status line of HTTP.
	HTTP bool
}

// Serve returns a function that serves a connection of the protocol, for
// [accept.Server].
func (p Protocol) Serve(handler http.Handler) func(*accept.Conn, accept.Settings) error {
	return func(c *accept.Conn, settings accept.Settings) error { return p.serve(handler, c, settings) }
}

// readers have buffers of net/http's size: longer reads bypass them.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4<<10) }}

func (p Protocol) serve(handler http.Handler, c *accept.Conn, settings accept.Settings) error {
	c.Within(settings.HeaderTimeout)
	in := readers.Get().(*bufio.Reader)
	in.Reset(c)
	defer func() {
		in.Reset(nil)
		readers.Put(in)
	}()
	if _, err := in.Peek(1); err != nil {
		return accept.ErrGone
	}
	vars, err := p.Read(in, settings.MaxHeader)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	// The end of a body without a length could not be recognised.
	delete(vars, "HTTP_TRANSFER_ENCODING")
	c.Stalls()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	body := &body{in: in, conn: c, gone: cancel}
	r, err := exchange.NewRequest(ctx, vars, body)
	if err != nil {
		first := "Status:"
		if p.HTTP {
			first = "HTTP/1.1"
		}
		_, _ = io.WriteString(c, first+" 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBad Request\n")
		linger(c) // the body is unread
		return err
	}
	body.begin(r.ContentLength)
	w := exchange.NewWriter(c, r)
	w.HTTP = p.HTTP
	err = exchange.Answer(handler, w, r, settings.MaxBody, settings.Logger)
	more := body.end()
	switch {
	case err != nil && ctx.Err() != nil:
		return accept.ErrGone // the client left
	case err != nil:
		c.Abort()
		return err
	}
	// If a connection is closed with unread bytes, a server in front that still
	// sends a body takes that for a failure.
	if more {
		linger(c)
	}
	return nil
}

// ReadText reads the n bytes of the variables. Each variable is then a part of
// the string, not a copy.
func ReadText(r *bufio.Reader, n int) (string, error) {
	if n <= r.Size() {
		b, err := r.Peek(n)
		text := string(b)
		_, _ = r.Discard(len(b))
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return text, err
	}
	b := make([]byte, n)
	_, err := io.ReadFull(r, b)
	return string(b), err
}
