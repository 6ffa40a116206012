package postmortem_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/corefile"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/postmortem"
	"github.com/zeugkit/zeug/webtest"
)

// logOf lets a handler log and panic, and returns the log in the core, and what the program's log has.
func logOf(t *testing.T, log func(logger *slog.Logger, ctx context.Context)) (kept []string, written string) {
	t.Helper()
	supported(t)
	var out bytes.Buffer
	logger := slog.New(postmortem.Logs(slog.NewTextHandler(&out, nil)))
	f := &postmortem.Folder{Path: filepath.Join(t.TempDir(), "cores")}
	app := middleware.Recover{Core: f, Logger: slog.New(slog.DiscardHandler)}.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			logger.InfoContext(r.Context(), "of another request")
			return
		}
		log(logger, r.Context())
		panic("no tea")
	}))
	client := webtest.New(t, app)
	client.Get("/other")
	client.Get("/").Expect(500)
	record, err := corefile.ReadRecord(cores(t, f.Path)[0])
	require.NoError(t, err)
	return record.Log, out.String()
}

// loud logs while it is formatted.
type loud struct{ log func() }

func (l loud) LogValue() slog.Value {
	l.log()
	return slog.StringValue("loud")
}

func TestACoreHasTheLogOfItsRequest(t *testing.T) {
	at := func(text string) string { // without the time
		_, rest, _ := strings.Cut(text, " ")
		return rest
	}
	t.Run("as in the program's log", func(t *testing.T) {
		kept, written := logOf(t, func(logger *slog.Logger, ctx context.Context) {
			logger.InfoContext(ctx, "two\nlines", "n", 1)
			logger.With("a", 1).WithGroup("g").With("b", 2).WarnContext(ctx, "in a group", "c", 3)
			logger.DebugContext(ctx, "below the level")
			logger.Info("without the request")
			logger.InfoContext(ctx, "a value that logs", "v", loud{func() { logger.InfoContext(ctx, "inside") }})
		})
		require.Len(t, kept, 5)
		require.Equal(t, []string{
			`level=INFO msg="two\nlines" n=1`, `level=WARN msg="in a group" a=1 g.b=2 g.c=3`, `level=INFO msg=inside`,
			`level=INFO msg="a value that logs" v=loud`,
		}, []string{at(kept[0]), at(kept[1]), at(kept[2]), at(kept[3])})
		require.Contains(t, kept[4], "msg=inside", "the program's own handler formats the value once more")
		require.Contains(t, written, "without the request")
	})
	t.Run("the last of many", func(t *testing.T) {
		kept, written := logOf(t, func(logger *slog.Logger, ctx context.Context) {
			for n := range 1000 {
				logger.InfoContext(ctx, "x", "n", n)
			}
		})
		require.Len(t, kept, 100)
		require.Contains(t, kept[0], "n=900")
		require.Contains(t, kept[99], "n=999")
		require.Equal(t, 1001, strings.Count(written, "\n"))
	})
	t.Run("the last of long ones, cut", func(t *testing.T) {
		kept, _ := logOf(t, func(logger *slog.Logger, ctx context.Context) {
			for n := range 50 {
				logger.InfoContext(ctx, fmt.Sprint("n", n, strings.Repeat("ü", 8<<10)))
			}
		})
		require.LessOrEqual(t, len(strings.Join(kept, "")), 64<<10)
		require.Len(t, kept, 15)
		require.Contains(t, kept[14], "n49")
	})
}

// BenchmarkARequest compares a request without a Folder and one whose log would be kept.
func BenchmarkARequest(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	postmortem.Logs(slog.DiscardHandler)
	for name, h := range map[string]http.Handler{
		"without a Folder": middleware.Recover{}.Wrap(handler),
		"with its log":     middleware.Recover{Core: &postmortem.Folder{Path: "cores"}}.Wrap(handler),
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/", nil)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}

// BenchmarkARecord keeps a record that the program's log does not write.
func BenchmarkARecord(b *testing.B) {
	logger := slog.New(postmortem.Logs(slog.DiscardHandler))
	f := &postmortem.Folder{Path: "cores"}
	ctx := f.Follow(b.Context())
	b.ReportAllocs()
	for b.Loop() {
		logger.Handler().Handle(ctx, slog.NewRecord(time.Now(), slog.LevelInfo, "a message", 0))
	}
}
