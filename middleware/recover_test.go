package middleware_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
)

func quiet(to *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

func TestRecoverAnswersPanics(t *testing.T) {
	var log, other bytes.Buffer
	before := slog.Default()
	slog.SetDefault(quiet(&other))
	defer slog.SetDefault(before)
	outer := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outer", "kept")
			next.ServeHTTP(w, r)
		})
	}
	h := middleware.Chain(outer, middleware.RequestID{New: func() string { return "id-7" }}.Wrap, middleware.Recover{Logger: quiet(&log)}.Wrap)(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Header().Set("X-Inner", "lost")
			panic("no\ntea")
		}))
	resp := webtest.New(t, h).Get("/x?y").Expect(500)
	require.Equal(t, "Internal Server Error", resp.HTML("h1").Text())
	require.Equal(t, "kept", resp.Header.Get("X-Outer"))
	require.NotContains(t, resp.Header, "X-Inner")
	require.NotContains(t, resp.Text(), "tea")
	require.Contains(t, log.String(), `level=ERROR msg=panic method=GET uri=/x?y panic="no\ntea" stack=`)
	require.Contains(t, log.String(), "recover_test.go")
	require.Contains(t, log.String(), "request_id=id-7")
	require.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")))
	require.Empty(t, other.String(), "nobody logs it again")
}

func TestRecoverAsksTheResponder(t *testing.T) {
	cause := errors.New("cause")
	for _, value := range []any{cause, fmt.Errorf("page: %w", httperror.NotFound)} {
		var log bytes.Buffer
		var got error
		own := func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				next.ServeHTTP(w, httperror.WithResponder(r, func(w http.ResponseWriter, r *http.Request, err error) {
					got = err
					httperror.Default(w, r, err)
				}))
			})
		}
		h := middleware.Chain(own, middleware.Recover{Logger: quiet(&log)}.Wrap)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) }))
		webtest.New(t, h).Get("/").Expect(500)
		require.ErrorIs(t, got, httperror.InternalServerError)
		require.ErrorIs(t, got, value.(error))
		var p interface{ Recovered() any } // as the debugger asks
		require.ErrorAs(t, got, &p)
		require.Equal(t, value, p.Recovered())
		require.Contains(t, log.String(), "TestRecoverAsksTheResponder")
	}
}

func TestRecoverCutsAnAnswerThatBegan(t *testing.T) {
	for name, begin := range map[string]func(w http.ResponseWriter){
		"by a status": func(w http.ResponseWriter) { w.WriteHeader(200) },
		"by a text":   func(w http.ResponseWriter) { io.WriteString(w, "some") },
		"by a flush":  func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			h := middleware.Recover{Logger: quiet(&log)}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				begin(w)
				panic("late")
			}))
			require.Error(t, webtest.New(t, h).Get("/", webtest.MayAbort).Err)
			require.Contains(t, log.String(), "panic=late")
		})
	}
}

func TestRecoverLetsAbortsPass(t *testing.T) {
	for _, value := range []error{http.ErrAbortHandler, fmt.Errorf("gone: %w", http.ErrAbortHandler)} {
		var log bytes.Buffer
		h := middleware.Recover{Logger: quiet(&log)}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { panic(value) }))
		resp := webtest.New(t, h).Get("/", webtest.MayAbort)
		require.Error(t, resp.Err)
		require.Zero(t, resp.Status)
		require.Empty(t, log.String())
	}
}

func TestRecoverKeepsManyFields(t *testing.T) {
	var log bytes.Buffer
	outer := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for i := range 20 {
				w.Header().Set(fmt.Sprintf("X-%d", i), "kept")
			}
			next.ServeHTTP(w, r)
		})
	}
	h := middleware.Chain(outer, middleware.Recover{Logger: quiet(&log)}.Wrap)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-20", "lost")
		panic("no")
	}))
	resp := webtest.New(t, h).Get("/").Expect(500)
	require.Equal(t, "kept", resp.Header.Get("X-19"))
	require.NotContains(t, resp.Header, "X-20")
}

// coreWriter is a CoreWriter that notes what it was asked.
type coreWriter struct {
	path   string
	err    error
	panics any
	header http.Header
	target string
	value  any
	calls  int
}

func (*coreWriter) Check() error { return nil }

func (*coreWriter) Follow(ctx context.Context) context.Context { return ctx }

func (c *coreWriter) WriteCore(r *http.Request, header func() http.Header, value any) (string, error) {
	c.header, c.target, c.value = header(), r.URL.Path, value
	c.calls++
	if c.panics != nil {
		panic(c.panics)
	}
	return c.path, c.err
}

func TestRecoverAsksForACore(t *testing.T) {
	for name, c := range map[string]struct {
		writer coreWriter
		want   string
	}{
		"a core":               {coreWriter{path: "/cores/a.core"}, " core=/cores/a.core\n"},
		"none, which is known": {coreWriter{}, ""},
		"none":                 {coreWriter{err: errors.New("full")}, " no_core=full\n"},
		"a writer that panics": {coreWriter{panics: "no"}, ` no_core="it panicked: no"` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			h := middleware.Recover{Logger: quiet(&log), Core: &c.writer}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("X-Added", "by the handler")
				panic("no tea")
			}))
			resp := webtest.New(t, h).Get("/x").Expect(500)
			require.Equal(t, "Internal Server Error", resp.HTML("h1").Text())
			require.Equal(t, "no tea", c.writer.value)
			require.Equal(t, "/x", c.writer.target)
			require.NotContains(t, c.writer.header, "X-Added")
			require.Contains(t, log.String(), c.want)
			require.Equal(t, c.want != "", bytes.Contains(log.Bytes(), []byte("core=")))
		})
	}
	t.Run("neither for an abort nor for a response", func(t *testing.T) {
		var writer coreWriter
		h := middleware.Recover{Core: &writer}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/abort" {
				panic(http.ErrAbortHandler)
			}
		}))
		client := webtest.New(t, h)
		client.Get("/").Expect(200)
		require.Error(t, client.Get("/abort", webtest.MayAbort).Err)
		require.Zero(t, writer.calls)
	})
}
