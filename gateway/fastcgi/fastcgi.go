// Package fastcgi serves an application behind a web server that speaks
// FastCGI, such as nginx (fastcgi_pass), Apache (mod_proxy_fcgi, mod_fcgid) and
// lighttpd.
//
//	l, err := net.Listen("unix", "/run/app.sock")
//	…
//	log.Fatal((&fastcgi.Server{Handler: newApp()}).Serve(l))
//
// It speaks the protocol itself, because net/http/fcgi has four faults. That package does not
// expose SCRIPT_NAME and PATH_INFO, so that URLs below a mount are wrong. It ends the process when
// a handler panics. It cannot report that a response was cut. It does not tell a handler that its
// client has left.
//
// A request's context ends when the server in front aborts it or closes the connection. On Linux,
// if more than 64 KiB of a body are unread, the records after them are not seen, except the end of
// the connection.
//
// A request's root path, client and scheme come from the variables of the server in front, which
// is trusted: no other client should reach the socket.
package fastcgi

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/gateway/internal/accept"
)

// Settings are the limits of a [Server]. The zero value of each means its
// default; a negative limit or duration means no limit. A connection that waits
// for its next request has no limit: servers in front keep some open.
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

// Server serves FastCGI, several requests on one connection included. Its zero
// value, with a Handler, is usable.
type Server struct {
	Handler http.Handler
	Settings

	server accept.Server
}

// Serve accepts connections on l until [Server.Shutdown], which makes it return
// [http.ErrServerClosed], or until l fails. It returns an error that names the field
// if one of the Settings is out of range.
func (s *Server) Serve(l net.Listener) error {
	return s.server.Serve(l, accept.Settings(s.Settings), s.serve)
}

// Shutdown stops accepting and waits until the running requests are answered, or until ctx ends;
// then it cuts the connections.
func (s *Server) Shutdown(ctx context.Context) error { return s.server.Shutdown(ctx) }

func (s *Server) serve(c *accept.Conn, limits accept.Settings) error {
	return newConnection(c, s.Handler, limits).serve()
}
