// Package single serves protocols in which a connection carries one request:
// SCGI and uwsgi. They differ in how the variables of the request are written;
// the rest is here.
package single

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/internal/accept"
)

// Protocol is what differs.
type Protocol struct {
	// Read reads the variables of a request, of at most max bytes. Its error
	// says what is wrong with them.
	Read func(r *bufio.Reader, max int) (map[string]string, error)
	// HTTP has answers begin with HTTP's own first line.
	HTTP bool
}

// Serve returns what serves a connection by the protocol, for [accept.Server].
func (p Protocol) Serve(handler http.Handler) func(*accept.Conn, accept.Settings) error {
	return func(c *accept.Conn, settings accept.Settings) error { return p.serve(handler, c, settings) }
}

func (p Protocol) serve(handler http.Handler, c *accept.Conn, settings accept.Settings) error {
	c.Within(settings.HeaderTimeout)
	in := bufio.NewReaderSize(c, 4<<10) // as net/http: what is longer is read past it
	if _, err := in.Peek(1); err != nil {
		return accept.ErrGone
	}
	vars, err := p.Read(in, settings.MaxHeader)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	c.Stalls()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	body := &watched{in: in, conn: c, gone: cancel}
	r, err := cgi.NewRequest(ctx, vars, body)
	if err != nil {
		first := "Status:"
		if p.HTTP {
			first = "HTTP/1.1"
		}
		_, _ = io.WriteString(c, first+" 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nBad Request\n")
		return err
	}
	body.left = r.ContentLength
	if body.left <= 0 {
		body.watch()
	}
	w := cgi.NewWriter(c, r)
	w.HTTP = p.HTTP
	err = cgi.Answer(handler, w, r, settings.MaxBody, settings.Logger)
	switch {
	case err != nil && ctx.Err() != nil:
		return accept.ErrGone // the client left: there is nobody to answer
	case err != nil:
		c.Abort()
		return err
	}
	// A server in front that still sends a body would take a connection that
	// is closed with bytes unread for a failure.
	finish(c, in, body)
	return nil
}
