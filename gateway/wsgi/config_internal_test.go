package wsgi

import (
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/limits/limitstest"
)

func TestConfigIsDefinedAtItsExtremes(t *testing.T) {
	t.Parallel()
	quiet := Config{App: "plain:app", Dir: "testdata", Workers: 1, Output: io.Discard, Logger: slog.New(slog.DiscardHandler)}
	serve := func(t *testing.T, c Config) (int, error) {
		a, err := Start(c)
		if err != nil {
			return 0, err
		}
		defer a.Close()
		w := httptest.NewRecorder()
		r := httptest.NewRequest("POST", "/echo", strings.NewReader("a body"))
		a.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			require.Equal(t, "a body", w.Body.String())
		}
		return w.Code, nil
	}
	// A worker takes a moment to start. So fields that do not affect the worker are checked without
	// one.
	t.Run("by itself", func(t *testing.T) {
		limitstest.Check(t, quiet, func(t *testing.T, c Config) (int, error) {
			err := c.complete()
			require.True(t, err != nil || c.Workers > 0 && c.Threads > 0 && c.MaxQueue > 0 && c.BufferRequest > 0 && c.BufferAnswer > 0 && c.BufferTotal > 0 &&
				c.SpoolChunked >= 0 && c.SpoolChunked < math.MaxInt64 && c.MaxRequests >= 0 && c.MaxRequests+c.MaxRequestsJitter >= 0 && c.MaxLifetime >= 0 && c.MaxMemory >= 0 &&
				c.StartTimeout > 0 && c.RequestTimeout > 0 && c.QueueTimeout > 0 && c.DrainTimeout > 0)
			return 200, err
		})
	})
	for name, change := range map[string]func(*Config){
		"as it is": func(*Config) {},
		"with no limit at all": func(c *Config) {
			c.MaxRequests, c.MaxLifetime, c.MaxMemory, c.MaxQueue, c.BufferRequest, c.BufferAnswer = -1, -1, -1, -1, -1, -1
			c.StartTimeout, c.RequestTimeout, c.QueueTimeout, c.DrainTimeout, c.SpoolChunked, c.BufferTotal = -1, -1, -1, -1, -1, -1
		},
		"with the smallest limits": func(c *Config) {
			c.MaxRequests, c.MaxRequestsJitter, c.MaxLifetime, c.MaxMemory, c.MaxQueue, c.BufferRequest, c.BufferAnswer = 1, 1, time.Hour, 1<<40, 1, 1, 1
			c.SpoolChunked, c.BufferTotal = 1, 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := quiet
			change(&c)
			status, err := serve(t, c)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
		})
	}
	t.Run("with times that nothing keeps to", func(t *testing.T) {
		c := quiet
		c.QueueTimeout, c.RequestTimeout = 1, 1
		status, err := serve(t, c)
		require.NoError(t, err)
		require.Contains(t, []int{200, 502, 503, 504}, status)
	})
}
