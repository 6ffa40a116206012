// Package timeline marks the work on which a request spends its time: queries, calls of other
// services, its own computations. Under "zeug run" the page of a request shows the marks as bars:
//
//	func (s *shop) find(ctx context.Context, id int) (item, error) {
//		defer timeline.Start(ctx, "sql", "SELECT * FROM item WHERE id = ?").End()
//		…
//	}
//
// Marks can stay in the program: in production [Start] checks one variable and records nothing.
// Middlewares of zeug.Use and middleware.Chain, views and templates are marked already.
//
// [LogHandler] shows the log records of a logger of your own on the same page.
package timeline

import (
	"context"
	"log/slog"

	"github.com/zeugkit/zeug/internal/recording"
)

// Span is a mark that has begun. The zero value is a mark that is not recorded.
type Span struct {
	recorder recording.Recorder
	number   int
}

// Start begins a mark on the time line of a request. ctx is the context of the request, or one
// derived from it. The kind is a short word, such as "sql", and name describes the work. If the
// request is not recorded, nothing happens. A long name is cut, and if a request has very many
// marks, some are only counted. A mark without End ends with its request.
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

// End ends the mark. Calling it again has no effect.
func (s Span) End() {
	if s.recorder != nil {
		s.recorder.End(s.number)
	}
}

// Recording reports whether marks of ctx are recorded. Use it if making the name costs something.
func Recording(ctx context.Context) bool { return recording.Of(ctx) != nil }

// LogHandler returns a handler that passes its log records to h. Records with the context of a
// request are also shown on the page of that request. Use it for loggers that do not come from
// [slog.Default]; the records of slog.Default are shown anyway. Without "zeug run" it returns h.
func LogHandler(h slog.Handler) slog.Handler {
	if recording.Logs == nil {
		return h
	}
	return recording.Logs(h)
}
