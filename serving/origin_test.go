package serving_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/wrappers"
)

// records are the lines of a JSON log.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *records) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// named returns the records with that message, once there are n.
func (l *records) named(t *testing.T, message string, n int) (found []map[string]any) {
	t.Helper()
	require.Eventually(t, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		found = nil
		for line := range bytes.Lines(l.text.Bytes()) {
			record := map[string]any{}
			if json.Unmarshal(line, &record) == nil && record["msg"] == message {
				found = append(found, record)
			}
		}
		return len(found) >= n
	}, 5*time.Second, time.Millisecond, message)
	return found
}

func TestTheAccessLogHasWhatTheClientReceived(t *testing.T) {
	failing := wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return nil, errors.New("it fails") })
	for name, view := range map[string]http.Handler{
		"a view that returns an error": failing,
		"an error of the client":       httperror.NotFound,
		"a panic":                      http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no") }),
		"an answer":                    http.HandlerFunc(hello),
	} {
		for _, debug := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				var outer, inner records
				app := middleware.Chain(
					middleware.AccessLog{Logger: slog.New(slog.NewJSONHandler(&inner, nil))}.Wrap,
					middleware.Recover{Logger: silent}.Wrap,
				)(view)
				_, addr := start(t, app.ServeHTTP, serving.Options{
					Debug: debug, Logger: slog.New(slog.NewJSONHandler(&outer, nil)),
					ProxyFix: middleware.ProxyFix{For: 1, Proto: 1, Host: 1},
				})
				r, err := http.NewRequest("GET", "http://"+addr, nil)
				require.NoError(t, err)
				r.Header.Set("X-Forwarded-For", "203.0.113.9")
				r.Header.Set("X-Forwarded-Host", "example.org")
				resp, err := oneRequest.Do(r)
				require.NoError(t, err)
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				for _, log := range []*records{&outer, &inner} {
					lines := log.named(t, "request", 1)
					require.Len(t, lines, 1)
					require.Equal(t, float64(resp.StatusCode), lines[0]["status"])
					require.Equal(t, "203.0.113.9", lines[0]["client"])
					require.Equal(t, "example.org", lines[0]["host"])
				}
			})
		}
	}
}

func TestTheAccessLogMayBeCombined(t *testing.T) {
	var lines records
	_, addr := start(t, hello, serving.Options{AccessLog: middleware.AccessLog{Combined: &lines}})
	get(t, oneRequest, "http://"+addr+"/a")
	require.Eventually(t, func() bool {
		lines.mu.Lock()
		defer lines.mu.Unlock()
		return bytes.Contains(lines.text.Bytes(), []byte(`"GET /a HTTP/1.1" 200 20 `))
	}, 5*time.Second, time.Millisecond, &lines.text)
}

func TestProxiesThatContradictThemselvesAreRefused(t *testing.T) {
	_, err := serving.New(app, serving.Options{ProxyFix: middleware.ProxyFix{For: middleware.ByNetwork}})
	require.ErrorContains(t, err, "serving: Options.ProxyFix: ")
}

func TestFailuresAreLoggedByTheServer(t *testing.T) {
	var log records
	failing := wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return nil, errors.New("it fails") })
	_, addr := start(t, failing.ServeHTTP, serving.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	get(t, oneRequest, "http://"+addr)
	require.Equal(t, "it fails", log.named(t, "request failed", 1)[0]["err"])
}
