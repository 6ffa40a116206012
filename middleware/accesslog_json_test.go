package middleware_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
)

// Lines of JSON are those that slog's handler writes.
func TestAccessLogJSONIsThatOfSlog(t *testing.T) {
	var fast, slow bytes.Buffer
	byStatus := func(status int) slog.Level {
		if status >= 500 {
			return slog.LevelError + 1
		}
		return slog.LevelInfo
	}
	handler := slog.New(slog.NewJSONHandler(&slow, nil))
	h := middleware.Chain(
		middleware.ProxyFix{For: 1}.Wrap,
		middleware.AccessLog{Logger: handler, Level: byStatus}.Wrap,
		middleware.AccessLog{JSON: &fast, Level: byStatus}.Wrap,
	)(answering)
	times := regexp.MustCompile(`"time":"[^"]*"|"took":\d+`)
	for _, target := range []string{"/x", "/x?y=%0a&password=hush", "/nothing", "/panic", "/partly", "/hijack"} {
		for _, agent := range []string{"", "plain/1.0", "quote \" and \\", "tab\t", "bü\x85\u2028\u2029", "\xff\xfe"} {
			fast.Reset()
			slow.Reset()
			c := webtest.New(t, h, webtest.RemoteAddr("10.0.0.1:9"), webtest.MayAbort)
			func() {
				defer func() { recover() }()
				c.Get(target, webtest.Header("X-Forwarded-For", "2001:db8::1"), webtest.Header("User-Agent", agent), webtest.Header("Referer", "https://a/?token=b"))
			}()
			require.Equal(t, times.ReplaceAllString(slow.String(), "T"), times.ReplaceAllString(fast.String(), "T"), "%s %q", target, agent)
			require.Equal(t, 1, strings.Count(fast.String(), "\n"))
		}
	}

	// These are bytes that net/http would never accept.
	r := httptest.NewRequest("GET", "/", nil)
	r.Method, r.RequestURI, r.RemoteAddr, r.Host = "GET\n", "/\r\n{", "x\ny\x00", "a\x1b[31m\x7f"
	fast.Reset()
	slow.Reset()
	h.ServeHTTP(nowhere{}, r)
	require.Equal(t, times.ReplaceAllString(slow.String(), "T"), times.ReplaceAllString(fast.String(), "T"))
}

func TestAccessLogJSONHasTheTime(t *testing.T) {
	var log bytes.Buffer
	h := middleware.AccessLog{JSON: &log}.Wrap(answering)
	stamp := regexp.MustCompile(`^\{"time":"([^"]*)","level":"INFO"`)
	for range 50 {
		log.Reset()
		before := time.Now()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		after := time.Now()
		found := stamp.FindStringSubmatch(log.String())
		require.NotNil(t, found, log.String())
		at, err := time.Parse(time.RFC3339Nano, found[1])
		require.NoError(t, err)
		require.Equal(t, found[1], at.Format(time.RFC3339Nano), "no zeros at the end")
		require.False(t, at.Before(before.Round(0)) || at.After(after.Round(0)), "%s is not within %s and %s", at, before, after)
	}
}

func TestAccessLogJSONLeavesOutWhatIsBelowInfo(t *testing.T) {
	var log bytes.Buffer
	h := middleware.AccessLog{JSON: &log, Level: func(status int) slog.Level { return slog.LevelDebug }}.Wrap(answering)
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	require.Empty(t, log.String())
}

func TestAccessLogJSONTellsOfFailuresOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(quiet(&log))
	defer slog.SetDefault(before)
	h := middleware.AccessLog{JSON: brokenWriter{}}.Wrap(answering)
	for range 3 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
	require.Equal(t, 1, strings.Count(log.String(), "access log cannot be written"), log.String())
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space") }

// A record costs two allocations for the log's own facts and for the request that the router marks.
// The line costs none.
func TestAccessLogJSONAllocatesNoLine(t *testing.T) {
	h := middleware.AccessLog{JSON: io.Discard}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }))
	r := httptest.NewRequest("GET", "/some/path?of=interest", nil)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
	r.Header.Set("Referer", "https://example.org/")
	w := &forgetful{http.Header{}}
	require.LessOrEqual(t, testing.AllocsPerRun(200, func() { h.ServeHTTP(w, r) }), 2.0)
}

// forgetful is a writer that allocates nothing.
type forgetful struct{ header http.Header }

func (w forgetful) Header() http.Header         { return w.header }
func (w forgetful) Write(p []byte) (int, error) { return len(p), nil }
func (w forgetful) WriteHeader(int)             {}
