package serving

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTerminal(t *testing.T) {
	request := func(l *slog.Logger, uri string, status int) {
		l.Info("request", "client", "::1", "method", "GET", "uri", uri, "proto", "HTTP/1.1", "status", status, "bytes", 12, "took", 1500*time.Microsecond)
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	for name, c := range map[string]struct {
		log  func(*slog.Logger)
		want string
	}{
		"a request":               {func(l *slog.Logger) { request(l, "/", 200) }, `::1 - - [DATE] "GET / HTTP/1.1" 200 12 1.5ms`},
		"one that found nothing":  {func(l *slog.Logger) { request(l, "/", 404) }, `::1 - - [DATE] "` + "\x1b[33mGET / HTTP/1.1\x1b[0m" + `" 404 12 1.5ms`},
		"one that would forge":    {func(l *slog.Logger) { request(l, "/\x1b[2J\\\"\n", 200) }, `::1 - - [DATE] "GET /\x1b[2J\\"\n HTTP/1.1" 200 12 1.5ms`},
		"a message":               {func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Info("hello", "b", "x y") }, " * hello a=1 g.b=x y"},
		"an error of many lines":  {func(l *slog.Logger) { l.Error("bad", "output", "one\n\ttwo\n") }, "\x1b[31m\x1b[1m ! bad\x1b[0m\n   one\n   \ttwo"},
		"nothing below the level": {func(l *slog.Logger) { l.Debug("x") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			c.log(slog.New(newTerminal(&out)))
			got := strings.TrimSuffix(out.String(), "\n")
			if before, after, ok := strings.Cut(got, " - - ["); ok {
				_, after, _ = strings.Cut(after, "]")
				got = before + " - - [DATE]" + after
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestColoursAreLeftOut(t *testing.T) {
	for _, variable := range []string{"NO_COLOR=1", "TERM=dumb"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv("NO_COLOR", "")
			t.Setenv("TERM", "xterm")
			name, value, _ := strings.Cut(variable, "=")
			t.Setenv(name, value)
			var out strings.Builder
			l := slog.New(newTerminal(&out))
			l.Error("bad")
			l.Warn("odd")
			for _, status := range []int{100, 200, 304, 302, 404, 400, 500} {
				l.Info("request", "method", "GET", "uri", "/", "proto", "HTTP/1.1", "status", status, "took", time.Second)
			}
			require.NotContains(t, out.String(), "\x1b")
			require.Contains(t, out.String(), " ! bad\n")
		})
	}
}
