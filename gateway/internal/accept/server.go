// Package accept serves connections from a web server in front: it accepts them, limits their
// number and how long they may stall, and drains them. The protocol decides which bytes go over a
// connection.
package accept

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/internal/limits"
)

// Settings are the limits that the protocols have in common. Each protocol declares the same
// fields in its own package, where its users see them, and converts them.
type Settings struct {
	HeaderTimeout  time.Duration
	StallTimeout   time.Duration
	MaxHeader      int
	MaxBody        int64
	MaxConnections int
	Logger         *slog.Logger
}

// complete sets the defaults, and turns negative values into no limit. Its error names a field that
// is out of range.
func (s *Settings) complete() error {
	if s.Logger == nil {
		s.Logger = slog.Default()
	}
	return errors.Join(
		limits.Set(&s.HeaderTimeout, "Settings.HeaderTimeout", 10*time.Second, limits.Forever),
		limits.Set(&s.StallTimeout, "Settings.StallTimeout", time.Minute, limits.Forever),
		limits.Set(&s.MaxHeader, "Settings.MaxHeader", 64<<10, math.MaxInt32),
		limits.Set(&s.MaxBody, "Settings.MaxBody", 1<<30, math.MaxInt64),
		limits.Set(&s.MaxConnections, "Settings.MaxConnections", 1024, math.MaxInt32),
	)
}

// Server accepts connections. Its zero value is ready for use.
type Server struct {
	mu     sync.Mutex
	closed bool
	conns  map[*Conn]struct{}
	lists  map[net.Listener]struct{}
	empty  chan struct{} // closed when the server is closed and no connection is left
}

// ErrGone says that there was nothing to answer: the peer connected and left before a request, as
// servers do to find out whether a program listens, or left before its response.
var ErrGone = errors.New("peer left")

// Serve accepts connections on l and hands each to serve, whose error is logged
// unless it is [ErrGone]. It returns [http.ErrServerClosed] after [Server.Shutdown],
// or an error if a setting is out of range or l fails.
func (s *Server) Serve(l net.Listener, settings Settings, serve func(*Conn, Settings) error) error {
	if err := settings.complete(); err != nil {
		return err
	}
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
				// The process is short of descriptors for a moment.
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
			if err := serve(conn, settings); err != nil && !errors.Is(err, ErrGone) {
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
// are answered, or until ctx ends; then it cuts their connections.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	var errs error
	for l := range s.lists {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = errors.Join(errs, err)
		}
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
	if len(s.conns) == 0 {
		return errs // ctx has ended too, but no connection was cut
	}
	for c := range s.conns {
		c.Abort()
	}
	return errors.Join(errs, ctx.Err())
}

// isResource reports whether the error says that descriptors or memory were short.
func isResource(err error) bool {
	for _, short := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, short) {
			return true
		}
	}
	return false
}
