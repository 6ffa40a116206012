// Package scgi serves an application behind a web server that speaks SCGI, such
// as nginx (scgi_pass), Apache (mod_proxy_scgi) and lighttpd.
//
//	l, err := net.Listen("unix", "/run/app.sock")
//	…
//	log.Fatal((&scgi.Server{Handler: newApp()}).Serve(l))
//
// A request's context ends when the server in front closes the connection: on Linux even if the
// body is not read, elsewhere once it is read. A response that fails on its way resets the
// connection. A unix socket cannot be reset: on it, a cut response without a Content-Length looks
// complete to the server in front.
//
// A request's root path, client and scheme come from the variables of the server in front, which
// is trusted: no other client should reach the socket.
package scgi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
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

// Server serves SCGI. Its zero value, with a Handler, is usable.
type Server struct {
	Handler http.Handler
	Settings

	server accept.Server
}

// Serve accepts connections on l until [Server.Shutdown], which makes it return
// [http.ErrServerClosed], or until l fails. It returns an error that names the field
// if one of the Settings is out of range.
func (s *Server) Serve(l net.Listener) error {
	return s.server.Serve(l, accept.Settings(s.Settings), single.Protocol{Read: readVariables}.Serve(s.Handler))
}

// Shutdown stops accepting and waits until the running requests are answered, or until ctx ends;
// then it cuts the connections.
func (s *Server) Shutdown(ctx context.Context) error { return s.server.Shutdown(ctx) }

// errProtocol says that the input is not SCGI.
var errProtocol = errors.New("not SCGI")

// readVariables reads the header of a request: a netstring of names and values,
// each ended by a zero byte, of at most limit bytes. Its first variable must be
// CONTENT_LENGTH, and SCGI must be 1.
func readVariables(r *bufio.Reader, limit int) (map[string]string, error) {
	size := 0
	for digits := 0; ; digits++ {
		c, err := r.ReadByte()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errProtocol, err)
		}
		if c == ':' && digits > 0 {
			break
		}
		if c < '0' || c > '9' || digits == 9 {
			return nil, fmt.Errorf("%w: it does not begin with a length", errProtocol)
		}
		size = 10*size + int(c-'0')
	}
	if size > limit {
		return nil, fmt.Errorf("variables of %d bytes, the limit is %d", size, limit)
	}
	head, err := single.ReadText(r, size+1)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errProtocol, err)
	}
	if head[size] != ',' {
		return nil, fmt.Errorf("%w: no comma after the variables", errProtocol)
	}
	vars := make(map[string]string, 28)
	for n, rest := 0, head[:size]; len(rest) > 0; n++ {
		name, after, ok := strings.Cut(rest, "\x00")
		value, next, ended := strings.Cut(after, "\x00")
		switch {
		case !ok || !ended || name == "":
			return nil, fmt.Errorf("%w: a variable without an end or a name", errProtocol)
		case n == 0 && name != "CONTENT_LENGTH":
			return nil, fmt.Errorf("%w: the first variable is %q, not CONTENT_LENGTH", errProtocol, name)
		}
		// The protocol does not allow a name twice, but nginx sends one name twice.
		exchange.AddVariable(vars, name, value)
		rest = next
	}
	if vars["SCGI"] != "1" {
		return nil, fmt.Errorf("%w: the variable SCGI is not 1", errProtocol)
	}
	return vars, nil
}
