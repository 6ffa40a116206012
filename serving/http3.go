package serving

import (
	"context"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/zeugkit/zeug/internal/http3server"
)

// http3Conn is a connection of HTTP/3.
type http3Conn struct {
	conn   *conn
	server *Server
}

// Context returns the context that the requests of the connection must have.
func (c *http3Conn) Context(ctx context.Context) context.Context {
	return context.WithValue(serverContext{ctx, c.server}, connKey{}, c.conn)
}

// Close closes the connection if it is still open, and frees its place.
func (c *http3Conn) Close() error { return c.conn.Close() }

// hangUp is the part of a net.Conn that a connection of HTTP/3 has.
type hangUp struct {
	net.Conn
	close func() error
}

func (h hangUp) Close() error { return h.close() }

// acceptHTTP3 is http3server.Config.Accept.
func (s *Server) acceptHTTP3(closeConn func() error) http3server.Conn {
	c := &conn{Conn: hangUp{close: closeConn}, all: s.all, http: true, overUDP: true, since: ticks()}
	s.all.reserve(c)
	return &http3Conn{c, s}
}

func (s *Server) startHTTP3() error {
	if s.options.HTTP3 == nil || s.http3Started {
		return nil // Run has started it, before it reported that this process serves
	}
	s.http3Started = true
	var addrs []net.Addr
	for _, l := range s.listeners {
		if l.protocol() == "" {
			addrs = append(addrs, l.Addr())
		}
	}
	return s.options.HTTP3.Start(http3server.Config{
		Handler: s.app, TLS: s.tls, Addrs: addrs, MaxHeader: s.options.MaxHeader, IdleTimeout: s.options.IdleTimeout,
		Logger: s.options.Logger, Accept: s.acceptHTTP3,
		Announce: func(h http.Header) { h = h.Clone(); s.announced.Store(&h) },
	})
}

// announcing adds to each response the header fields that announce HTTP/3.
func (s *Server) announcing(app http.Handler) http.Handler {
	if s.options.HTTP3 == nil {
		return app
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h := s.announced.Load(); h != nil {
			for name, values := range *h {
				w.Header()[name] = append(w.Header()[name], slices.Clone(values)...)
			}
		}
		app.ServeHTTP(w, r)
	})
}

// shutdownHTTP3 shuts down the server for HTTP/3, and reports whether every request was completed.
// Clients of HTTP/3 are asked to close their connections. If a client does not leave although
// nothing runs for it, the server closes the connection, as net/http does with idle connections.
func (s *Server) shutdownHTTP3(ctx context.Context) bool {
	if s.options.HTTP3 == nil {
		return true
	}
	ended := make(chan error, 1)
	go func() { ended <- s.options.HTTP3.Shutdown(ctx) }()
	tick := time.NewTicker(farewell)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return err == nil
		case <-tick.C:
			s.all.hangUpIdle(farewell)
		}
	}
}

// hangUpIdle closes the connections of HTTP/3 that have been idle for d.
func (all *connections) hangUpIdle(d time.Duration) {
	all.mu.Lock()
	var idle []*conn
	for _, l := range []*list{&all.idle, &all.busy} {
		for c := l.oldest; c != nil; c = c.newer {
			if c.overUDP && c.running.Load() == 0 && ticks()-time.Duration(c.rested.Load()) >= d {
				idle = append(idle, c)
			}
		}
	}
	all.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}
