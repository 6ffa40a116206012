// Package uwsgi serves an application behind a web server that speaks uwsgi,
// such as nginx (uwsgi_pass) and Apache (mod_proxy_uwsgi): the wire format of
// the uWSGI server, not that server itself.
//
//	l, err := net.Listen("unix", "/run/app.sock")
//	…
//	log.Fatal((&uwsgi.Server{Handler: newApp()}).Serve(l))
//
// A request's context ends when the server in front closes the connection: on
// Linux even if nobody reads the body, elsewhere once that is read. An answer that
// fails on its way resets the connection. A unix socket cannot be reset: there, an
// answer without a Content-Length looks whole to the server in front.
//
// A request's root path, client and scheme come from the variables of the
// server in front, which is trusted: nobody else should reach the socket.
package uwsgi

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/internal/accept"
	"github.com/zeugkit/zeug/gateway/internal/single"
)

// Settings are the limits of a [Server]; the zero value has all of them.
type Settings = accept.Settings

// Server serves uwsgi. Its zero value, with a Handler, is usable.
type Server struct {
	Handler http.Handler
	Settings

	once   sync.Once
	server accept.Server
}

// Serve accepts connections on l until [Server.Shutdown], which makes it return
// [http.ErrServerClosed], or until l fails.
func (s *Server) Serve(l net.Listener) error { return s.started().Serve(l) }

// Shutdown stops accepting and waits until what is being served is answered, or
// until ctx ends: then the connections are cut.
func (s *Server) Shutdown(ctx context.Context) error { return s.started().Shutdown(ctx) }

func (s *Server) started() *accept.Server {
	s.once.Do(func() {
		s.server.Settings = s.Settings
		s.server.Connection = single.Protocol{Read: ReadVariables, HTTP: true}.Serve(s.Handler)
	})
	return &s.server
}

// ErrProtocol says that what came is not a request in uwsgi.
var ErrProtocol = errors.New("not uwsgi")

// ReadVariables reads the head of a request: a packet of modifier 0 with names
// and values, each after its length in 16 bits, of at most max bytes.
func ReadVariables(r *bufio.Reader, max int) (map[string]string, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	size := int(binary.LittleEndian.Uint16(head[1:]))
	switch {
	case head[0] != 0 || head[3] != 0:
		return nil, fmt.Errorf("%w: modifiers %d and %d, only requests (0 and 0) are understood", ErrProtocol, head[0], head[3])
	case size > max:
		return nil, fmt.Errorf("variables of %d bytes, the limit is %d", size, max)
	}
	packet, err := single.ReadText(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	vars := make(map[string]string, 28)
	for packet != "" {
		name, rest, ok := text(packet)
		value, rest, whole := text(rest)
		if !ok || !whole || name == "" {
			return nil, fmt.Errorf("%w: a variable without an end or a name", ErrProtocol)
		}
		cgi.AddVariable(vars, name, value)
		packet = rest
	}
	return vars, nil
}

// text cuts a text with its length before it.
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
