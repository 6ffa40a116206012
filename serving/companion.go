package serving

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"
)

// A Companion serves a server's application over another transport, such as
// HTTP/3.
type Companion interface {
	// Start begins to serve. Start is called once, before the server accepts its first connection.
	Start(CompanionConfig) error
	// Shutdown accepts no more requests, and returns when no request is running any more. It
	// returns an error if ctx ends first.
	Shutdown(ctx context.Context) error
	// Close ends everything at once, and frees the ports.
	Close() error
}

// CompanionConfig is the configuration that a server gives to its companions.
type CompanionConfig struct {
	// Handler is the server's application, with the access log and the limits
	// for each request.
	Handler http.Handler
	// TLS has the certificates.
	TLS *tls.Config
	// Addrs are the addresses of the server that speak HTTP.
	Addrs []net.Addr
	// MaxHeader and IdleTimeout are the server's options, with their defaults set.
	MaxHeader   int
	IdleTimeout time.Duration
	// Logger is the logger of the server.
	Logger *slog.Logger
	// Accept counts a connection against Options.MaxConnections, and waits
	// while the limit is reached. hangUp closes the connection. It is called
	// when another client gets the place of a connection that is idle or slow.
	Accept func(hangUp func() error) *CompanionConn
	// Announce replaces the header fields that announce the companion in the responses of the
	// server. nil announces nothing.
	Announce func(http.Header)
}

// A CompanionConn is a connection of a companion.
type CompanionConn struct {
	conn   *conn
	server *Server
}

// Context returns the context that the requests of the connection must have.
func (c *CompanionConn) Context(ctx context.Context) context.Context {
	return context.WithValue(serverContext{ctx, c.server}, connKey{}, c.conn)
}

// Close closes the connection if it is still open, and frees its place.
func (c *CompanionConn) Close() error { return c.conn.Close() }

// hangUp is the part of a net.Conn that a companion's connection has.
type hangUp struct {
	net.Conn
	close func() error
}

func (h hangUp) Close() error { return h.close() }

// acceptFor is CompanionConfig.Accept.
func (s *Server) acceptFor(closeConn func() error) *CompanionConn {
	c := &conn{Conn: hangUp{close: closeConn}, all: s.all, http: true, companion: true, since: ticks()}
	s.all.reserve(c)
	return &CompanionConn{c, s}
}

func (s *Server) startCompanions() error {
	if s.assisted {
		return nil // Run has started them, before it reported that this process serves
	}
	s.assisted = true
	var addrs []net.Addr
	for _, l := range s.listeners {
		if l.protocol() == "" {
			addrs = append(addrs, l.Addr())
		}
	}
	for i, c := range s.options.Companions {
		err := c.Start(CompanionConfig{
			Handler: s.app, TLS: s.tls, Addrs: addrs, MaxHeader: s.options.MaxHeader, IdleTimeout: s.options.IdleTimeout,
			Logger: s.options.Logger, Accept: s.acceptFor,
			Announce: func(h http.Header) { h = h.Clone(); s.announced[i].Store(&h) },
		})
		if err != nil {
			for _, started := range s.options.Companions[:i] {
				started.Close()
			}
			return err
		}
	}
	return nil
}

// announcing adds to each response the header fields of the companions.
func (s *Server) announcing(app http.Handler) http.Handler {
	if len(s.announced) == 0 {
		return app
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range s.announced {
			if h := s.announced[i].Load(); h != nil {
				for name, values := range *h {
					w.Header()[name] = append(w.Header()[name], slices.Clone(values)...)
				}
			}
		}
		app.ServeHTTP(w, r)
	})
}

// shutdownCompanions shuts down the companions, and reports whether every request was completed.
// Clients of HTTP/3 are asked to close their connections. If a client does not leave although
// nothing runs for it, the server closes the connection, as net/http does with idle connections.
func (s *Server) shutdownCompanions(ctx context.Context) bool {
	ended := make(chan error, len(s.options.Companions))
	for _, c := range s.options.Companions {
		go func() { ended <- c.Shutdown(ctx) }()
	}
	tick := time.NewTicker(farewell)
	defer tick.Stop()
	uncut := true
	for left := len(s.options.Companions); left > 0; {
		select {
		case err := <-ended:
			left--
			uncut = uncut && err == nil
		case <-tick.C:
			s.all.hangUpIdle(farewell)
		}
	}
	return uncut
}

// hangUpIdle closes the connections of companions that have been idle for d.
func (all *connections) hangUpIdle(d time.Duration) {
	all.mu.Lock()
	var idle []*conn
	for _, l := range []*list{&all.idle, &all.busy} {
		for c := l.oldest; c != nil; c = c.newer {
			if c.companion && c.running.Load() == 0 && ticks()-time.Duration(c.rested.Load()) >= d {
				idle = append(idle, c)
			}
		}
	}
	all.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}
