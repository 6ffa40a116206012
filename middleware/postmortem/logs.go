package postmortem

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// maxLines and maxLogBytes are how many log records are kept of a request, and how many bytes of all of
// them together. maxLine is the longest record. The oldest ones are dropped.
const (
	maxLines    = 100
	maxLogBytes = 64 << 10
	maxLine     = 4 << 10
)

// Logs returns a handler for the program's logger. It passes records on to next, and keeps the last ones
// of each request in memory. So a core has what was logged while the request ran that panicked, and "zeug
// inspect" shows it:
//
//	logger := slog.New(postmortem.Logs(slog.NewJSONHandler(os.Stderr, nil)))
//
// A record belongs to a request if it is logged with the request's context, as by
// logger.InfoContext(r.Context(), …), inside of a [middleware.Recover] with a Folder. At most 100 records
// and 64 KiB are kept of a request, and 4 KiB of a record, until the request is over.
//
// A request then costs a copy of its http.Request more, and a record is formatted twice.
func Logs(next slog.Handler) slog.Handler {
	logged.Store(true)
	return &logHandler{next: next, with: func(h slog.Handler) slog.Handler { return h }}
}

// logged says that a program has called Logs. Without it, requests have no log to fill.
var logged atomic.Bool

// logKey is the key of a *requestLog in the context of a request.
type logKey struct{}

// requestLog has the last records of a request, the oldest first, as slog's text.
type requestLog struct {
	mu    sync.Mutex
	lines []string
	bytes int
}

// Follow gives a request a log, for [middleware.Recover], if the program has called [Logs].
func (f *Folder) Follow(ctx context.Context) context.Context {
	if !logged.Load() {
		return ctx
	}
	return context.WithValue(ctx, logKey{}, new(requestLog))
}

func (l *requestLog) add(line string) {
	line = cut(line, maxLine)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines, l.bytes = append(l.lines, line), l.bytes+len(line)
	for len(l.lines) > maxLines || l.bytes > maxLogBytes {
		l.bytes -= len(l.lines[0])
		l.lines[0] = "" // the slice keeps its first elements until it grows
		l.lines = l.lines[1:]
	}
}

// linesOf returns the log of the request that ctx belongs to.
func linesOf(ctx context.Context) []string {
	l, _ := ctx.Value(logKey{}).(*requestLog)
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// logHandler is what Logs returns.
type logHandler struct {
	next slog.Handler
	with func(slog.Handler) slog.Handler // adds the attributes and groups of WithAttrs and WithGroup
}

// Enabled is slog.Handler's.
func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle keeps the record if it belongs to a request, and passes it on.
func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	if ctx != nil {
		if l, _ := ctx.Value(logKey{}).(*requestLog); l != nil {
			// A value may log while it is formatted, so there is neither a lock nor a shared buffer here.
			var line bytes.Buffer
			text := h.with(slog.NewTextHandler(&line, nil))
			if text.Handle(ctx, record) == nil {
				l.add(string(bytes.TrimSuffix(line.Bytes(), []byte("\n"))))
			}
		}
	}
	return h.next.Handle(ctx, record)
}

// WithAttrs is slog.Handler's.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.next.WithAttrs(attrs), func(text slog.Handler) slog.Handler { return h.with(text).WithAttrs(attrs) }}
}

// WithGroup is slog.Handler's.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.next.WithGroup(name), func(text slog.Handler) slog.Handler { return h.with(text).WithGroup(name) }}
}
