package middleware_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
)

// answering is an application with a rule.
var answering = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/nothing":
		return
	case "/panic":
		panic("no")
	case "/partly":
		io.WriteString(w, "some")
		panic("no")
	case "/hijack":
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
		conn.Close()
		return
	}
	if route := gateway.RouteOf(r); route != nil {
		route.Pattern = "/<name>"
	}
	w.WriteHeader(http.StatusTeapot)
	io.WriteString(w, "short\n")
})

func logged(t *testing.T, chain middleware.Middleware, log *bytes.Buffer, target string, options ...webtest.Option) map[string]any {
	t.Helper()
	log.Reset()
	c := webtest.New(t, chain(answering), webtest.RemoteAddr("10.0.0.1:9"), webtest.MayAbort)
	func() {
		defer func() { recover() }()
		c.Get(target, options...)
	}()
	record := map[string]any{}
	require.NoError(t, json.Unmarshal(log.Bytes(), &record), log)
	require.NotEmpty(t, record["took"])
	delete(record, "took")
	delete(record, "time")
	return record
}

func TestAccessLogRecords(t *testing.T) {
	var log bytes.Buffer
	chain := middleware.Chain(
		middleware.ProxyFix{For: 1, Host: 1}.Wrap,
		middleware.RequestID{New: func() string { return "id-1" }}.Wrap,
		middleware.AccessLog{Logger: slog.New(slog.NewJSONHandler(&log, nil)), Level: func(status int) slog.Level {
			if status >= 500 {
				return slog.LevelError
			}
			return slog.LevelInfo
		}}.Wrap,
		middleware.Chain(),
	)
	record := func(more map[string]any) map[string]any {
		all := map[string]any{
			"level": "INFO", "msg": "request", "client": "10.0.0.1", "method": "GET", "host": "example.com", "proto": "HTTP/1.1",
			"request_id": "id-1", "status": 200.0, "bytes": 0.0, "user_agent": "zeug-webtest",
		}
		for k, v := range more {
			all[k] = v
		}
		return all
	}
	require.Equal(t, record(map[string]any{"uri": "/x?y=%0a", "status": 418.0, "bytes": 6.0, "rule": "/<name>", "client": "1.1.1.1", "host": "h.example", "referer": "a"}),
		logged(t, chain, &log, "/x?y=%0a", webtest.Header("X-Forwarded-For", "1.1.1.1"), webtest.Header("X-Forwarded-Host", "h.example"), webtest.Header("Referer", "a")))
	require.Equal(t, record(map[string]any{"uri": "/nothing"}), logged(t, chain, &log, "/nothing"))
	require.Equal(t, record(map[string]any{"uri": "/panic", "status": 500.0, "panicked": true, "level": "ERROR"}), logged(t, chain, &log, "/panic"))
	require.Equal(t, record(map[string]any{"uri": "/partly", "bytes": 4.0, "panicked": true}), logged(t, chain, &log, "/partly"))
	require.Equal(t, record(map[string]any{"uri": "/hijack", "hijacked": true}), logged(t, chain, &log, "/hijack"))

	var none bytes.Buffer
	recovered := middleware.Chain(chain, middleware.Recover{Logger: quiet(&none)}.Wrap)
	got := logged(t, recovered, &log, "/panic")
	require.Equal(t, 500.0, got["status"])
	require.NotContains(t, got, "panicked", "Recover answered it")

	inside := middleware.Chain(middleware.AccessLog{Logger: slog.New(slog.NewJSONHandler(&log, nil))}.Wrap, middleware.RequestID{New: func() string { return "id-2" }}.Wrap)
	require.Equal(t, "id-2", logged(t, inside, &log, "/x")["request_id"])
}

func TestAccessLogSkips(t *testing.T) {
	var log bytes.Buffer
	h := middleware.AccessLog{Combined: &log, Skip: func(r *http.Request) bool { return r.URL.Path == "/health" }}.Wrap(answering)
	webtest.New(t, h).Get("/health")
	require.Empty(t, log.String())
}

func TestAccessLogBelowItsLevelWritesNothing(t *testing.T) {
	var log bytes.Buffer
	h := middleware.AccessLog{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))}.Wrap(answering)
	webtest.New(t, h).Get("/")
	require.Empty(t, log.String())
}

func TestCombinedLog(t *testing.T) {
	var log bytes.Buffer
	h := middleware.Chain(middleware.ProxyFix{For: 1}.Wrap, middleware.AccessLog{Combined: &log}.Wrap)(answering)
	c := webtest.New(t, h)
	for _, row := range []struct {
		options []webtest.Option
		method  string
		target  string
		want    string
	}{
		{nil, "GET", "/x?y", `127.0.0.1 - - [T] "GET /x?y HTTP/1.1" 418 6 "-" "zeug-webtest"`},
		{nil, "HEAD", "/x", `127.0.0.1 - - [T] "HEAD /x HTTP/1.1" 418 - "-" "zeug-webtest"`},
		{[]webtest.Option{webtest.HTTP2, webtest.Header("User-Agent", "")}, "GET", "/nothing", `127.0.0.1 - - [T] "GET /nothing HTTP/2.0" 200 - "-" "-"`},
		{[]webtest.Option{webtest.Header("X-Forwarded-For", "2001:db8::1"), webtest.BasicAuth("ann b\" - ", "x"), webtest.Header("Referer", `http://x/" "y\`), webtest.Header("User-Agent", "a\tbü\x85")},
			"GET", "/", `2001:db8::1 - ann\x20b\"\x20-\x20 [T] "GET / HTTP/1.1" 418 6 "http://x/\" \"y\\" "a\tb\xc3\xbc\x85"`},
	} {
		log.Reset()
		c.Do(row.method, row.target, row.options...)
		line := regexp.MustCompile(`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`).ReplaceAllString(log.String(), "[T]")
		require.Equal(t, row.want+"\n", line)
	}

	// Bytes that net/http would never accept cannot break a line either.
	log.Reset()
	r, err := http.NewRequest("GET", "http://example.com/", nil)
	require.NoError(t, err)
	r.Method, r.RequestURI, r.RemoteAddr = "GET\n", "/\r\n1.1.1.1 - -", "x\ny"
	r.Header.Set("User-Agent", "\n\x1b[31m")
	h.ServeHTTP(nowhere{}, r)
	require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
	require.NotContains(t, log.String(), "\x1b")
	require.True(t, strings.HasPrefix(log.String(), `x\ny - - [`))
}

type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestCombinedLogTellsOnceThatItCannotWrite(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(quiet(&log))
	defer slog.SetDefault(before)
	c := webtest.New(t, middleware.AccessLog{Combined: broken{}}.Wrap(answering))
	c.Get("/")
	c.Get("/")
	require.Equal(t, "level=ERROR msg=\"access log cannot be written\" err=\"disk full\"\n", log.String())
}

func TestTheAccessLogMasksSecretsOfQueries(t *testing.T) {
	for name, log := range map[string]func(io.Writer) middleware.AccessLog{
		"as records": func(w io.Writer) middleware.AccessLog {
			return middleware.AccessLog{Logger: slog.New(slog.NewTextHandler(w, nil))}
		},
		"combined": func(w io.Writer) middleware.AccessLog { return middleware.AccessLog{Combined: w} },
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			r := httptest.NewRequest("GET", "/login?user=ann&password=hunter2&access_token=hunter2", nil)
			r.Header.Set("Referer", "http://app.test/cb?code=hunter2&page=2")
			log(&out).Wrap(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
			require.NotContains(t, out.String(), "hunter2")
			require.Contains(t, out.String(), "/login?user=ann&password=***&access_token=***")
			require.Contains(t, out.String(), "http://app.test/cb?code=***&page=2")
		})
	}
}

func TestAClientThatLeavesIsNotAPanic(t *testing.T) {
	for name, c := range map[string]struct {
		leaves  bool
		written bool
		want    string
	}{
		"before the response": {true, false, `"status":499`},
		"in the middle":       {true, true, `"status":200`},
		"a panic":             {false, false, `"status":500`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			h := middleware.AccessLog{Logger: slog.New(slog.NewJSONHandler(&out, nil))}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if c.written {
					_, _ = w.Write([]byte("part"))
				}
				if c.leaves {
					cancel()
				}
				panic(http.ErrAbortHandler)
			}))
			require.Panics(t, func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil).WithContext(ctx)) })
			require.Contains(t, out.String(), c.want)
			require.Equal(t, c.leaves, strings.Contains(out.String(), `"client_left":true`), out.String())
			require.Equal(t, !c.leaves, strings.Contains(out.String(), `"panicked":true`), out.String())
		})
	}
}
