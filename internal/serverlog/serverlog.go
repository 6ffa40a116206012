// Package serverlog gives a server's logger to code that the server calls without its settings, and
// limits how often one line is repeated.
package serverlog

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Key is the key of the logger in a context, for contexts that hold more.
type Key struct{}

// With returns a context that carries the logger of a server.
func With(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, Key{}, l)
}

// From returns the logger that ctx carries, or [slog.Default]. ctx may be nil.
func From(ctx context.Context) *slog.Logger {
	if ctx != nil {
		if l, ok := ctx.Value(Key{}).(*slog.Logger); ok {
			return l
		}
	}
	return slog.Default()
}

// every is the shortest time between two lines of a [Seldom].
const every = time.Minute

// A Seldom logs a line at most once a minute. The zero value is ready.
type Seldom struct {
	mu     sync.Mutex
	last   time.Time
	missed int
}

// Warn logs a warning, or only counts it. The next logged line has their number
// as the attribute "more".
func (s *Seldom) Warn(l *slog.Logger, message string, attrs ...any) {
	s.mu.Lock()
	now := time.Now()
	if !s.last.IsZero() && now.Sub(s.last) < every {
		s.missed++
		s.mu.Unlock()
		return
	}
	missed := s.missed
	s.last, s.missed = now, 0
	s.mu.Unlock()
	if missed > 0 {
		attrs = append(attrs[:len(attrs):len(attrs)], "more", missed)
	}
	l.Warn(message, attrs...)
}
