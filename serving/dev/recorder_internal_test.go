package dev

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/serverlog"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/timeline"
)

// supervised returns app as it runs under a supervisor, and the messages to the supervisor.
func supervised(tb testing.TB, app http.HandlerFunc) (http.Handler, <-chan supervise.Facts) {
	tb.Helper()
	ours, theirs := net.Pipe()
	conn := supervise.NewConn(ours)
	tb.Cleanup(func() { _ = errors.Join(conn.Close(), theirs.Close()) })
	told := make(chan supervise.Facts, 1)
	go func() {
		defer close(told)
		for c := supervise.NewConn(theirs); ; {
			m, err := c.Receive()
			if err != nil {
				return
			}
			var facts supervise.Facts
			if m.Type == supervise.TypeFacts && m.Into(&facts) == nil {
				told <- facts
			}
		}
	}()
	restoreDefault(tb)
	s := &server{devtools.Server{Keeper: func() *supervise.Conn { return conn }}}
	return s.tellFacts(app), told
}

// restoreDefault restores the default logger when the test ends.
func restoreDefault(tb testing.TB) {
	tb.Helper()
	logger, out, flags := slog.Default(), log.Writer(), log.Flags()
	tb.Cleanup(func() {
		slog.SetDefault(logger)
		log.SetOutput(out)
		log.SetFlags(flags)
	})
}

func request(tb testing.TB) *http.Request {
	tb.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	return r.WithContext(peer.With(r.Context(), peer.Peer{UID: peer.Unknown, Exchange: 7}))
}

func TestLogRecordsOfARequestAreKept(t *testing.T) {
	var out bytes.Buffer
	app, told := supervised(t, func(_ http.ResponseWriter, r *http.Request) {
		slog.InfoContext(r.Context(), "with context", "password", "secret", slog.Group("user", "name", "Ann", "id", 7))
		slog.Info("without")
		log.Print("without as well")
		slog.With("a", 1).WithGroup("g").WarnContext(r.Context(), "derived", "b", []byte("text"))
		slog.DebugContext(r.Context(), "not written")
		httperror.Log(r, errors.New("the disk is full"))
	})
	restoreDefault(t)
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	r := request(t)
	var server bytes.Buffer
	r = r.WithContext(serverlog.With(r.Context(), slog.New(slog.NewTextHandler(&server, nil))))
	app.ServeHTTP(httptest.NewRecorder(), r)
	facts := <-told
	require.Equal(t, 7, facts.Exchange)
	var lines []string
	for _, l := range facts.Logs {
		require.GreaterOrEqual(t, l.At, 0*l.At)
		require.Regexp(t, `^(dev/recorder_internal_test|httperror/respond)\.go:\d+$`, l.Source)
		lines = append(lines, fmt.Sprint(l.Level, " ", l.Message, " ", l.Attrs))
	}
	require.Equal(t, []string{
		"INFO with context [{password secret} {user.name Ann} {user.id 7}]",
		"WARN derived [{a 1} {g.b text}]",
		"DEBUG not written []",
		"ERROR request failed [{method GET} {host example.com} {path /} {status 500} {err the disk is full}]",
	}, lines)
	require.Contains(t, out.String(), `msg="with context" password=secret user.name=Ann`)
	require.Contains(t, out.String(), `msg=without`)
	require.Contains(t, out.String(), `msg="without as well"`)
	require.NotContains(t, out.String(), "not written")
	require.Equal(t, 4, strings.Count(out.String(), "\n"))
	require.Contains(t, server.String(), "the disk is full")
}

// TestTheStandardLoggerGoesOn checks that the default logger, which writes to the standard logger,
// neither waits for itself nor writes something else.
func TestTheStandardLoggerGoesOn(t *testing.T) {
	var out bytes.Buffer
	restoreDefault(t)
	log.SetOutput(&out)
	log.SetFlags(log.Lshortfile)
	app, told := supervised(t, func(_ http.ResponseWriter, r *http.Request) {
		slog.InfoContext(r.Context(), "by slog")
		log.Print("by log")
	})
	app.ServeHTTP(httptest.NewRecorder(), request(t))
	require.Len(t, (<-told).Logs, 1)
	lines := bufio.NewScanner(&out)
	require.True(t, lines.Scan())
	require.Regexp(t, `^recorder_internal_test\.go:\d+: INFO by slog$`, lines.Text())
	require.True(t, lines.Scan())
	require.Regexp(t, `^recorder_internal_test\.go:\d+: by log$`, lines.Text())
	require.False(t, lines.Scan())
}

func TestARecordIsKeptOnce(t *testing.T) {
	app, told := supervised(t, func(_ http.ResponseWriter, r *http.Request) {
		outer := slog.New(&logs{next: slog.Default().With("inner", true).Handler()})
		outer.InfoContext(r.Context(), "once", "n", 1)
		outer.InfoContext(r.Context(), "twice", "n", 2)
	})
	app.ServeHTTP(httptest.NewRecorder(), request(t))
	facts := <-told
	require.Len(t, facts.Logs, 2)
}

func TestWhatIsKeptOfLogsIsBounded(t *testing.T) {
	restoreDefault(t)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	app, told := supervised(t, func(_ http.ResponseWriter, r *http.Request) {
		logger := slog.Default()
		for i := range 1000 {
			logger.InfoContext(r.Context(), "many", "i", i)
		}
		for range 1000 {
			logger.ErrorContext(r.Context(), strings.Repeat("m", 64<<10), strings.Repeat("k", 64<<10), strings.Repeat("v", 64<<10))
		}
	})
	app.ServeHTTP(httptest.NewRecorder(), request(t))
	facts := <-told
	size := 0
	for _, l := range facts.Logs {
		size += len(l.Message)
		for _, a := range l.Attrs {
			size += len(a.Name) + len(a.Value)
		}
	}
	require.Less(t, len(facts.Logs), 201)
	require.Less(t, size, 64<<10+8<<10)
	require.Equal(t, "ERROR", facts.Logs[len(facts.Logs)-1].Level, "there is room for errors still")
	require.Equal(t, 2000-len(facts.Logs), facts.LogsMissed)
}

func TestMarksOfARequestAreKept(t *testing.T) {
	var late timeline.Span
	var context context.Context
	app, told := supervised(t, func(_ http.ResponseWriter, r *http.Request) {
		context = r.Context()
		defer timeline.Start(r.Context(), "view", "outer").End()
		inner := timeline.Start(r.Context(), "sql", "inner")
		inner.End()
		late = timeline.Start(r.Context(), "sql", "never ended")
		panic(http.ErrAbortHandler)
	})
	require.PanicsWithValue(t, http.ErrAbortHandler, func() { app.ServeHTTP(httptest.NewRecorder(), request(t)) })
	facts := <-told
	require.Len(t, facts.Spans, 3)
	for i, name := range []string{"outer", "inner", "never ended"} {
		s := facts.Spans[i]
		require.Equal(t, name, s.Name)
		require.GreaterOrEqual(t, s.Took, 0*s.Took)
		require.LessOrEqual(t, s.At+s.Took, facts.Took)
	}
	require.Equal(t, facts.Took, facts.Spans[2].At+facts.Spans[2].Took, "it ends with the request")
	require.NotPanics(t, func() {
		late.End()
		timeline.Start(context, "sql", "after the request").End()
	})
}

func TestWhatIsKeptOfMarksIsBounded(t *testing.T) {
	for name, length := range map[string]int{"many": 1, "long": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			app, told := supervised(t, func(_ http.ResponseWriter, r *http.Request) {
				var wait sync.WaitGroup
				for range 4 {
					wait.Go(func() {
						for range 250 {
							timeline.Start(r.Context(), "sql", strings.Repeat("x", length)).End()
						}
					})
				}
				wait.Wait()
			})
			app.ServeHTTP(httptest.NewRecorder(), request(t))
			facts := <-told
			size := 0
			for _, s := range facts.Spans {
				size += len(s.Kind) + len(s.Name)
			}
			require.LessOrEqual(t, len(facts.Spans), 500)
			require.LessOrEqual(t, size, 64<<10)
			require.Equal(t, 1000-len(facts.Spans), facts.SpansMissed)
		})
	}
}

type hostile struct{ r *http.Request }

func (h hostile) LogValue() slog.Value {
	slog.InfoContext(h.r.Context(), "a value that logs while it is written")
	return slog.AnyValue(h.error())
}

func (h hostile) error() error { return panics{} }

type panics struct{}

func (panics) Error() string { panic("no text") }

func TestHostileRecordsDoNotDisturbARequest(t *testing.T) {
	app, told := supervised(t, func(w http.ResponseWriter, r *http.Request) {
		var group []any
		for range 100 {
			group = []any{slog.Group("g", group...), slog.Int("n", 1)}
		}
		slog.InfoContext(r.Context(), "\x00\xff\u202e</script>", append([]any{"value", hostile{r}, "\xff", func() {}}, group...)...)
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for range 50 {
					slog.InfoContext(r.Context(), "at once", "value", hostile{r})
				}
			})
		}
		wait.Wait()
		go slog.InfoContext(r.Context(), "maybe later")
		w.WriteHeader(http.StatusNoContent)
	})
	restoreDefault(t)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	app.ServeHTTP(w, request(t))
	require.Equal(t, http.StatusNoContent, w.Code)
	facts := <-told
	require.LessOrEqual(t, len(facts.Logs), 200)
	require.Equal(t, "a value that logs while it is written", facts.Logs[0].Message)
	require.Equal(t, "\x00\ufffd\u202e</script>", facts.Logs[1].Message)
}

func TestWithoutARequestNothingIsKept(t *testing.T) {
	handler := recordLogs(slog.DiscardHandler)
	require.Same(t, handler, recordLogs(handler))
	require.False(t, handler.Enabled(context.Background(), slog.LevelError))
	//lint:ignore SA1012 callers may do so
	require.False(t, handler.Enabled(nil, slog.LevelError))
	slog.New(handler).Error("nobody's")
}
