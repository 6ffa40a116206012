// Package scgi serves an application behind a web server that speaks SCGI, such
// as nginx (scgi_pass), Apache (mod_proxy_scgi) and lighttpd.
//
//	l, err := net.Listen("unix", "/run/app.sock")
//	…
//	log.Fatal((&scgi.Server{Handler: newApp()}).Serve(l))
//
// A request's context ends when the server in front closes the connection: on
// Linux even if nobody reads the body, elsewhere once that is read. An answer that
// fails on its way resets the connection. A unix socket cannot be reset: there, an
// answer without a Content-Length looks whole to the server in front.
//
// A request's root path, client and scheme come from the variables of the
// server in front, which is trusted: nobody else should reach the socket.
package scgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/internal/accept"
	"github.com/zeugkit/zeug/gateway/internal/single"
)

// Settings are the limits of a [Server]; the zero value has all of them.
type Settings = accept.Settings

// Server serves SCGI. Its zero value, with a Handler, is usable.
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
		s.server.Connection = single.Protocol{Read: ReadVariables}.Serve(s.Handler)
	})
	return &s.server
}

// ErrProtocol says that what came is not SCGI.
var ErrProtocol = errors.New("not SCGI")

// ReadVariables reads the head of a request: a netstring of names and values,
// each ended by a zero byte, of at most max bytes. Its first variable must be
// CONTENT_LENGTH, and SCGI must be 1.
func ReadVariables(r *bufio.Reader, max int) (map[string]string, error) {
	size := 0
	for digits := 0; ; digits++ {
		c, err := r.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
		}
		if c == ':' && digits > 0 {
			break
		}
		if c < '0' || c > '9' || digits == 9 {
			return nil, fmt.Errorf("%w: it does not begin with a length", ErrProtocol)
		}
		size = 10*size + int(c-'0')
	}
	if size > max {
		return nil, fmt.Errorf("variables of %d bytes, the limit is %d", size, max)
	}
	head, err := single.ReadText(r, size+1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	if head[size] != ',' {
		return nil, fmt.Errorf("%w: no comma behind the variables", ErrProtocol)
	}
	vars := make(map[string]string, 28)
	for n, rest := 0, head[:size]; len(rest) > 0; n++ {
		name, after, ok := strings.Cut(rest, "\x00")
		value, next, ended := strings.Cut(after, "\x00")
		switch {
		case !ok || !ended || name == "":
			return nil, fmt.Errorf("%w: a variable without an end or a name", ErrProtocol)
		case n == 0 && name != "CONTENT_LENGTH":
			return nil, fmt.Errorf("%w: the first variable is %q, not CONTENT_LENGTH", ErrProtocol, name)
		}
		// The protocol forbids a name twice, and nginx sends one all the same.
		cgi.AddVariable(vars, name, value)
		rest = next
	}
	if vars["SCGI"] != "1" {
		return nil, fmt.Errorf("%w: the variable SCGI is not 1", ErrProtocol)
	}
	return vars, nil
}
