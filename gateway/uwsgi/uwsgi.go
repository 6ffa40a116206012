// Package uwsgi serves an application behind a web server that speaks uwsgi,
// such as nginx (uwsgi_pass) and Apache (mod_proxy_uwsgi): the wire format of
// the uWSGI server, not that server itself.
//
//	l, err := net.Listen("unix", "/run/app.sock")
//	…
//	log.Fatal((&uwsgi.Server{Handler: newApp()}).Serve(l))
//
// A request's context ends when the server in front closes the connection: on Linux even if the
// body is not read, elsewhere once it is read. A response that fails on its way resets the
// connection. A unix socket cannot be reset: on it, a cut response without a Content-Length looks
// complete to the server in front.
//
// A request's root path, client and scheme come from the variables of the server in front, which
// is trusted: no other client should reach the socket.
package uwsgi

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/gateway/internal/accept"
	"github.com/zeugkit/zeug/gateway/internal/exchange"
	"github.com/zeugkit/zeug/gateway/internal/single"
)

// Settings are the limits of a [Server]. The zero value of each means its
// default; a negative limit or duration means no limit.
type Settings struct {
	// HeaderTimeout is how long the server in front may take to send the variables
	// of a request. 0 means 10 s.
	HeaderTimeout time.Duration
	// StallTimeout is how long the server in front may pause while it sends a
	// body that is waited for, or while it reads a response. 0 means 60 s.
	StallTimeout time.Duration
	// MaxHeader is the size of a request's variables, in bytes. 0 means 64 KiB.
	MaxHeader int
	// MaxBody is the size of a request's body, in bytes. A longer body is answered with 413. 0
	// means 1 GiB.
	MaxBody int64
	// MaxConnections is the number of connections that are served at once.
	// Further connections wait. 0 means 1024.
	MaxConnections int
	// Logger receives failures. Nil means [slog.Default].
	Logger *slog.Logger
}

// Server serves uwsgi. Its zero value, with a Handler, is usable.
type Server struct {
	Handler http.Handler
	Settings

	server accept.Server
}

// Serve accepts connections on l until [Server.Shutdown], which makes it return
// [http.ErrServerClosed], or until l fails. It returns an error that names the field
// if one of the Settings is out of range.
func (s *Server) Serve(l net.Listener) error {
	return s.server.Serve(l, accept.Settings(s.Settings), single.Protocol{Read: readVariables, HTTP: true}.Serve(s.Handler))
}

// Shutdown stops accepting and waits until the running requests are answered, or until ctx ends;
// then it cuts the connections.
func (s *Server) Shutdown(ctx context.Context) error { return s.server.Shutdown(ctx) }

// errProtocol says that the input is not a request in uwsgi.
var errProtocol = errors.New("not uwsgi")

// readVariables reads the header of a request: a packet of modifier 0 with
// names and values, each after its length in 16 bits, of at most limit bytes.
func readVariables(r *bufio.Reader, limit int) (map[string]string, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	size := int(binary.LittleEndian.Uint16(head[1:]))
	switch {
	case head[0] != 0 || head[3] != 0:
		return nil, fmt.Errorf("%w: modifiers %d and %d, only requests (0 and 0) are understood", errProtocol, head[0], head[3])
	case size > limit:
		return nil, fmt.Errorf("variables of %d bytes, the limit is %d", size, limit)
	}
	packet, err := single.ReadText(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	vars := make(map[string]string, 28)
	for packet != "" {
		name, rest, ok := text(packet)
		value, rest, whole := text(rest)
		if !ok || !whole || name == "" {
			return nil, fmt.Errorf("%w: a variable without an end or a name", errProtocol)
		}
		exchange.AddVariable(vars, name, value)
		packet = rest
	}
	return vars, nil
}

// text reads a string with its length before it.
func text(p string) (s, rest string, ok bool) {
	if len(p) < 2 {
		return "", "", false
	}
	n := int(p[0]) | int(p[1])<<8
	if len(p) < 2+n {
		return "", "", false
	}
	return p[2 : 2+n], p[2+n:], true
}
