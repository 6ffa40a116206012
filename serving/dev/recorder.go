package dev

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/internal/serverlog"
	"github.com/zeugkit/zeug/internal/supervise"
)

// recorder is the context of a request whose course is recorded for its page.
// It is a [recording.Recorder].
type recorder struct {
	context.Context
	began time.Time

	mu    sync.Mutex
	over  bool // the handler has returned
	facts supervise.Facts
	logs  recordedLogs
	spans recordedSpans
}

func newRecorder(ctx context.Context, exchange int) *recorder {
	return &recorder{Context: ctx, began: time.Now(), facts: supervise.Facts{Exchange: exchange}}
}

// Value is context.Context's. The logger of the server is one whose records are kept.
func (r *recorder) Value(key any) any {
	switch key.(type) {
	case recording.Key:
		return r
	case serverlog.Key:
		if logger, ok := r.Context.Value(key).(*slog.Logger); ok {
			return recordedLogger(logger)
		}
		return nil
	}
	return r.Context.Value(key)
}

// Limits for the time line of a request.
const (
	maxSpans     = 500
	maxSpanBytes = 64 << 10
	maxSpanName  = 1 << 10
)

// recordedSpans are the marks of a request. The lock of its recorder guards them. A mark that has
// not ended has a negative time.
type recordedSpans struct {
	list   []supervise.Span
	bytes  int
	missed int
}

// Begin is recording.Recorder's.
func (r *recorder) Begin(kind, name string) int {
	kind, name = cut(kind, maxKey), cut(name, maxSpanName)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch s := &r.spans; {
	case r.over:
		return -1
	case len(s.list) == maxSpans || s.bytes+len(kind)+len(name) > maxSpanBytes:
		s.missed++
		return -1
	default:
		s.bytes += len(kind) + len(name)
		if s.list == nil {
			s.list = make([]supervise.Span, 0, 8)
		}
		s.list = append(s.list, supervise.Span{Kind: kind, Name: name, At: time.Since(r.began), Took: -1})
		return len(s.list) - 1
	}
}

// End is recording.Recorder's.
func (r *recorder) End(number int) {
	if number < 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := &r.spans.list[number]; !r.over && s.Took < 0 {
		s.Took = time.Since(r.began) - s.At
	}
}

// Fail is recording.Recorder's. The first failure counts: later failures are its consequences.
func (r *recorder) Fail(page, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over && r.facts.Failure == "" {
		r.facts.Failure, r.facts.Failed = page, cut(what, maxLogString)
	}
}

// end closes the recorder once the handler has returned.
func (r *recorder) end(route *gateway.Route) {
	params := paramsOf(route) // this calls methods of the application, which may log
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	r.facts.Took = time.Since(r.began)
	for i := range r.spans.list { // marks that have not ended, for example after a panic
		if s := &r.spans.list[i]; s.Took < 0 {
			s.Took = r.facts.Took - s.At
		}
	}
	r.facts.Rule, r.facts.Endpoint, r.facts.Params = route.Pattern, route.Endpoint, params
}

// told returns the facts for the supervisor about a recorder that has ended.
func (r *recorder) told() supervise.Facts {
	r.mu.Lock()
	defer r.mu.Unlock()
	facts := r.facts
	facts.Logs, facts.LogsMissed = r.logs.told(r.began), r.logs.missed
	facts.Spans, facts.SpansMissed = r.spans.list, r.spans.missed
	return facts
}

// loggers holds the last logger that was wrapped: a program has one server, which has one logger.
var loggers atomic.Pointer[[2]*slog.Logger]

// recordedLogger returns a logger whose records are kept and passed on.
func recordedLogger(logger *slog.Logger) *slog.Logger {
	if pair := loggers.Load(); pair != nil && pair[0] == logger {
		return pair[1]
	}
	wrapped := slog.New(recordLogs(logger.Handler()))
	loggers.Store(&[2]*slog.Logger{logger, wrapped})
	return wrapped
}
