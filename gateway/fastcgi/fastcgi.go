// Package fastcgi serves an application behind a web server that speaks
// FastCGI, such as nginx (fastcgi_pass), Apache (mod_proxy_fcgi, mod_fcgid) and
// lighttpd.
//
//	l, err := net.Listen("unix", "/run/app.sock")
//	…
//	log.Fatal((&fastcgi.Server{Handler: newApp()}).Serve(l))
//
// It speaks the protocol itself, where net/http/fcgi would do for a start: that
// package keeps SCRIPT_NAME and PATH_INFO to itself, so that no URL below a
// mount comes out right, ends the process when a handler panics, cannot say that
// an answer was cut, and tells no handler that its client has left.
//
// A request's context ends when the server in front aborts it or closes the
// connection. What is said on the connection behind more than 64 KiB of a body that
// nobody reads is not seen, but for its end, on Linux.
//
// A request's root path, client and scheme come from the variables of the
// server in front, which is trusted: nobody else should reach the socket.
package fastcgi

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/zeugkit/zeug/gateway/internal/accept"
)

// Settings are the limits of a [Server]; the zero value has all of them. A
// connection that waits for its next request is not bounded by them: servers in
// front keep some.
type Settings = accept.Settings

// Server serves FastCGI, several requests on one connection included. Its zero
// value, with a Handler, is usable.
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
		s.server.Connection = func(c *accept.Conn, settings accept.Settings) error {
			return newConnection(c, s.Handler, settings).serve()
		}
	})
	return &s.server
}
