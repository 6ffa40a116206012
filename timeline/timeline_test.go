package timeline_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/timeline"
)

// recorder records the marks.
type recorder []string

func (r *recorder) Begin(kind, name string) int {
	*r = append(*r, kind+" "+name)
	return len(*r) - 1
}

func (r *recorder) End(number int)           { (*r)[number] += ", ended" }
func (*recorder) Fail(page, headline string) {}

func TestMarksAreForTheRequestOfTheContext(t *testing.T) {
	timeline.Start(t.Context(), "sql", "nobody's").End()
	require.False(t, timeline.Recording(t.Context()))
	r := &recorder{}
	ctx := context.WithValue(t.Context(), recording.Key{}, r)
	require.False(t, timeline.Recording(ctx), "nothing is kept yet")
	timeline.Start(ctx, "sql", "SELECT 0").End()

	recording.Enable()
	require.True(t, timeline.Recording(ctx))
	require.False(t, timeline.Recording(t.Context()))
	timeline.Start(t.Context(), "sql", "nobody's").End()
	//lint:ignore SA1012 callers may do so
	timeline.Start(nil, "sql", "nobody's").End()
	span := timeline.Start(ctx, "sql", "SELECT 1")
	timeline.Start(context.WithoutCancel(ctx), "redis", "GET a")
	span.End()
	require.Equal(t, recorder{"sql SELECT 1, ended", "redis GET a"}, *r)
}

func TestALoggerIsLeftAloneWithoutASupervisor(t *testing.T) {
	require.Equal(t, slog.DiscardHandler, timeline.LogHandler(slog.DiscardHandler))
}

func TestAMarkInProductionAllocatesNothing(t *testing.T) {
	ctx := t.Context()
	require.Zero(t, testing.AllocsPerRun(100, func() { timeline.Start(ctx, "sql", "SELECT 1").End() }))
}

// A mark in production allocates nothing and costs some nanoseconds.
func BenchmarkMarkInProduction(b *testing.B) {
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		timeline.Start(ctx, "sql", "SELECT 1").End()
	}
}
