// Package timeline marks what a request spends its time on: queries, calls of other services, work of its
// own. Under "zeug run" the page of a request shows the marks as bars:
//
//	func (s *shop) find(ctx context.Context, id int) (item, error) {
//		defer timeline.Start(ctx, "sql", "SELECT * FROM item WHERE id = ?").End()
//		…
//	}
//
// Marks can stay in the program: in production [Start] looks at one variable and keeps nothing. Middlewares
// of zeug.Use and middleware.Chain, views and templates are marked already.
//
// [LogHandler] shows the log records of a logger of your own on the same page.
package timeline

import (
	"context"
	"log/slog"

	"github.com/zeugkit/zeug/internal/recording"
)

// Span is a mark that has begun. The zero value is a mark that is not kept.
type Span struct {
	recorder recording.Recorder
	number   int
}

// Start begins a mark on the time line of the request that ctx belongs to, the context of a request or one
// made from it. The kind is a short word, such as "sql", and name says what is done. If the page is not
// kept, nothing happens. A name that is long is cut, and of a request with very many marks some are
// counted only. A mark without End ends with its request.
func Start(ctx context.Context, kind, name string) Span {
	if !recording.On() {
		return Span{}
	}
	return start(ctx, kind, name)
}

func start(ctx context.Context, kind, name string) Span {
	r := recording.Of(ctx)
	if r == nil {
		return Span{}
	}
	return Span{r, r.Begin(kind, name)}
}

// End ends the mark. Ending it again has no effect.
func (s Span) End() {
	if s.recorder != nil {
		s.recorder.End(s.number)
	}
}

// Recording reports whether marks of ctx are kept. It is for names that cost something to make.
func Recording(ctx context.Context) bool { return recording.Of(ctx) != nil }

// LogHandler returns a handler whose log records are shown on the page of the request whose context they
// have, and passed on to h. It is for loggers that do not come from [slog.Default], whose records are shown
// anyway. Without "zeug run" it returns h.
func LogHandler(h slog.Handler) slog.Handler {
	if recording.Logs == nil {
		return h
	}
	return recording.Logs(h)
}
