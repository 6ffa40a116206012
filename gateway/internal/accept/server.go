// Package accept serves connections from a web server in front: it accepts them,
// bounds their number and how long nothing may move on them, and drains. What is
// said on a connection is the protocol's.
package accept

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// Settings are those that the protocols have in common; the zero value has every
// limit.
type Settings struct {
	// HeaderTimeout is how long the variables may take to come. 0 means 10 s.
	HeaderTimeout time.Duration
	// StallTimeout is how long the server in front may neither send any of a
	// body that is waited for, nor take any of an answer. 0 means 60 s.
	StallTimeout time.Duration
	// MaxHeader is the size of the variables, in bytes. 0 means 64 KiB.
	MaxHeader int
	// MaxBody is the longest body that is taken, in bytes; a longer one is
	// answered by 413. 0 means 1 GiB, below 0 no limit.
	MaxBody int64
	// MaxConnections is how many connections are served at once; more wait. 0
	// means 1024.
	MaxConnections int
	// Logger is told of failures. Default: [slog.Default].
	Logger *slog.Logger
}

// Defaulted fills in the defaults.
func (s Settings) Defaulted() Settings {
	if s.HeaderTimeout == 0 {
		s.HeaderTimeout = 10 * time.Second
	}
	if s.StallTimeout == 0 {
		s.StallTimeout = time.Minute
	}
	if s.MaxHeader == 0 {
		s.MaxHeader = 64 << 10
	}
	if s.MaxBody == 0 {
		s.MaxBody = 1 << 30
	}
	if s.MaxConnections == 0 {
		s.MaxConnections = 1024
	}
	if s.Logger == nil {
		s.Logger = slog.Default()
	}
	return s
}

// Server accepts connections and hands each to Connection.
type Server struct {
	Settings
	// Connection serves a connection. Its error is logged; [ErrGone] is not.
	Connection func(*Conn, Settings) error

	mu     sync.Mutex
	closed bool
	conns  map[*Conn]struct{}
	lists  map[net.Listener]struct{}
	empty  chan struct{} // closed when closed and no connection is left
}

// ErrGone says that there was nothing to answer: the peer connected and left,
// as servers do to see whether somebody listens, or left before its answer.
var ErrGone = errors.New("peer left")

// Serve accepts connections on l until [Server.Shutdown], which makes it return
// [http.ErrServerClosed], or until l fails.
func (s *Server) Serve(l net.Listener) error {
	settings := s.Settings.Defaulted()
	if !s.track(l) {
		return http.ErrServerClosed
	}
	defer s.untrack(l)
	room := make(chan struct{}, settings.MaxConnections)
	var wait time.Duration
	for {
		room <- struct{}{}
		c, err := l.Accept()
		if err != nil {
			<-room
			if s.isClosed() {
				return http.ErrServerClosed
			}
			var temporary net.Error
			if errors.As(err, &temporary) && temporary.Timeout() || isResource(err) {
				// Descriptors are short for a moment.
				wait = min(max(2*wait, 5*time.Millisecond), time.Second)
				time.Sleep(wait)
				continue
			}
			return fmt.Errorf("accept: %w", err)
		}
		wait = 0
		conn := &Conn{Conn: c, stall: settings.StallTimeout, server: s}
		if !s.open(conn) {
			_ = c.Close()
			<-room
			return http.ErrServerClosed
		}
		go func() {
			defer func() {
				_ = conn.Close()
				s.forget(conn)
				<-room
			}()
			if err := s.Connection(conn, settings); err != nil && !errors.Is(err, ErrGone) {
				settings.Logger.Warn("connection failed", "peer", c.RemoteAddr().String(), "err", err)
			}
		}()
	}
}

func (s *Server) track(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.lists == nil {
		s.lists, s.conns, s.empty = map[net.Listener]struct{}{}, map[*Conn]struct{}{}, make(chan struct{})
	}
	s.lists[l] = struct{}{}
	return true
}

func (s *Server) untrack(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.lists, l)
}

func (s *Server) open(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.conns[c] = struct{}{}
	return true
}

func (s *Server) forget(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.closed && len(s.conns) == 0 {
		close(s.empty)
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// Shutdown stops accepting and waits until the requests that are being served
// are answered, or until ctx ends: then their connections are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	var errs error
	for l := range s.lists {
		errs = errors.Join(errs, l.Close())
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	if len(s.conns) == 0 && !again {
		close(s.empty)
	}
	for c := range s.conns {
		if c.idle {
			_ = c.Conn.Close()
		}
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
		return errs
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Abort()
	}
	return errors.Join(errs, ctx.Err())
}

// isResource reports whether descriptors or memory were short.
func isResource(err error) bool {
	for _, short := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, short) {
			return true
		}
	}
	return false
}
