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
	for name, c := range map[string]struct {
		log  func(*slog.Logger)
		want string
	}{
		"a request":               {func(l *slog.Logger) { request(l, "/", 200) }, `::1 - - [DATE] "GET / HTTP/1.1" 200 12 1.5ms`},
		"one that found nothing":  {func(l *slog.Logger) { request(l, "/", 404) }, `::1 - - [DATE] "` + "\x1b[33mGET / HTTP/1.1\x1b[0m" + `" 404 12 1.5ms`},
		"one that would forge":    {func(l *slog.Logger) { request(l, "/\x1b[2J\\\"\n", 200) }, `::1 - - [DATE] "GET /\x1b[2J\\"\n HTTP/1.1" 200 12 1.5ms`},
		"a message":               {func(l *slog.Logger) { l.With("a", 1).WithGroup("g").Info("hello", "b", "x y") }, " * hello a=1 g.b=x y"},
		"an error of many lines":  {func(l *slog.Logger) { l.Error("bad", "output", "one\n\ttwo\n") }, "\x1b[31m\x1b[1m ! bad\x1b[0m\n   one\n   \ttwo"},
		"nothing that is no news": {func(l *slog.Logger) { l.Debug("x") }, ""},
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
