//go:build unix

package gateway_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/gateway/fastcgi"
	"github.com/zeugkit/zeug/gateway/scgi"
	"github.com/zeugkit/zeug/gateway/uwsgi"
	"github.com/zeugkit/zeug/internal/limits/limitstest"
)

func TestSettingsAreDefinedAtTheirExtremes(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	const body = "some body"
	over := func(name string) func(*testing.T, server) (int, error) {
		p := protocols()[name]
		return func(t *testing.T, s server) (int, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() {
				err := s.Serve(l)
				_ = l.Close() // this ends the connection that was not accepted
				ended <- err
			}()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				return 0, <-ended
			}
			require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
			_, _ = io.WriteString(conn, p.head(asked(len(body)))+p.body(body)+p.end)
			text := p.answer(t, conn)
			_ = conn.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_ = s.Shutdown(ctx)
			if err := <-ended; err != http.ErrServerClosed {
				return 0, err
			}
			return statusOf(text, body), nil
		}
	}
	t.Run("fastcgi", func(t *testing.T) {
		limitstest.Check(t, fastcgi.Settings{Logger: quiet}, func(t *testing.T, s fastcgi.Settings) (int, error) {
			return over("FastCGI")(t, &fastcgi.Server{Handler: echo, Settings: s})
		})
	})
	t.Run("scgi", func(t *testing.T) {
		limitstest.Check(t, scgi.Settings{Logger: quiet}, func(t *testing.T, s scgi.Settings) (int, error) {
			return over("SCGI")(t, &scgi.Server{Handler: echo, Settings: s})
		})
	})
	t.Run("uwsgi", func(t *testing.T) {
		limitstest.Check(t, uwsgi.Settings{Logger: quiet}, func(t *testing.T, s uwsgi.Settings) (int, error) {
			return over("uwsgi")(t, &uwsgi.Server{Handler: echo, Settings: s})
		})
	})
	t.Run("cgi", func(t *testing.T) {
		type settings struct {
			Timeout time.Duration
			MaxBody int64
		}
		limitstest.Check(t, settings{}, func(t *testing.T, s settings) (int, error) {
			var out strings.Builder
			err := (&cgi.Server{Handler: echo, Timeout: s.Timeout, MaxBody: s.MaxBody, Logger: quiet, Out: &out, In: strings.NewReader(body),
				Env: []string{"REQUEST_METHOD=POST", "PATH_INFO=/", fmt.Sprintf("CONTENT_LENGTH=%d", len(body))}}).Serve()
			if err != nil {
				return 0, err
			}
			_, text, _ := strings.Cut(out.String(), " ")
			return statusOf(text, body), nil
		})
	})
}

// statusOf is the status at the start of a response, or 504 if there is no response because a limit
// has cut the connection.
func statusOf(text, body string) (status int) {
	if _, err := fmt.Sscanf(text, "%d", &status); err != nil {
		return http.StatusGatewayTimeout
	}
	if status == http.StatusOK && !strings.HasSuffix(text, body) {
		return http.StatusInternalServerError
	}
	return status
}
