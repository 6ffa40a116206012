package staticfiles_test

import (
	"bytes"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

// sink is the cheapest ResponseWriter there is.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// The most frequent responses allocate once: for the values of their header fields.
func TestHotAnswersAllocateOnce(t *testing.T) {
	dir := write(t, map[string]string{"style.css": strings.Repeat("a { b: c }\n", 93), "style.css.gz": "gzip"})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", Dir: dir}}})
	h := s.Wrap(application)
	tag := ask(s, "GET", "/static/style.css").Header.Get("ETag")
	for name, header := range map[string]http.Header{
		"whole":        {},
		"coded":        {"Accept-Encoding": {"gzip, deflate, br, zstd"}},
		"not modified": {"If-None-Match": {tag}},
		"range":        {"Range": {"bytes=100-299"}, "If-Range": {tag}},
		"not so":       {"If-None-Match": {`"other"`}},
	} {
		r := httptest.NewRequest("GET", "/static/style.css", nil)
		r.Header = header
		w := &sink{header: make(http.Header)}
		h.ServeHTTP(w, r)
		allocations := testing.AllocsPerRun(100, func() {
			clear(w.header)
			h.ServeHTTP(w, r)
		})
		require.LessOrEqual(t, allocations, 1.0, name)
		require.LessOrEqual(t, len(w.header), 8, "a map of more has to grow")
	}
}

// A server that sends a frequently requested file allocates no more than one
// that sends the same bytes from a variable.
func TestAServerAllocatesNoMoreForAHotFile(t *testing.T) {
	content := strings.Repeat("a { b: c }\n", 93)
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Dir: write(t, map[string]string{"style.css": content})}}})
	contentType, data := []string{"text/css; charset=utf-8"}, []byte(content)
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = contentType
		w.Write(data)
	})
	count := func(h http.Handler) float64 {
		server := httptest.NewServer(h)
		defer server.Close()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		request := []byte("GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n")
		answer, end := make([]byte, 8<<10), data[len(data)-8:]
		// Allocations of the whole process are counted, so the smallest of several counts is the
		// server's.
		const requests = 300
		least := math.Inf(1)
		for range 8 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for range requests {
				conn.Write(request)
				for n := 0; !bytes.HasSuffix(answer[:n], end); {
					m, err := conn.Read(answer[n:])
					n += m
					require.NoError(t, err)
				}
			}
			runtime.ReadMemStats(&after)
			least = min(least, float64(after.Mallocs-before.Mallocs)/requests)
		}
		return least
	}
	// This is one more than for the bare handler: the values of the fields, which would otherwise
	// be shared.
	require.Less(t, count(s.Wrap(application)), count(bare)+1.5)
}

// BenchmarkServe measures the middleware itself, without a server.
func BenchmarkServe(b *testing.B) {
	dir := write(b, map[string]string{"css/style.css": strings.Repeat("a { b: c }\n", 93)})
	s := open(b, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", Dir: dir}}})
	tag := ask(s, "GET", "/static/css/style.css").Header.Get("ETag")
	for name, c := range map[string]struct {
		target string
		header http.Header
	}{
		"hot":            {"/static/css/style.css", http.Header{"Accept-Encoding": {"gzip, deflate, br, zstd"}}},
		"not modified":   {"/static/css/style.css", http.Header{"If-None-Match": {tag}}},
		"range":          {"/static/css/style.css", http.Header{"Range": {"bytes=100-299"}}},
		"another prefix": {"/users/42", nil},
		"no such file":   {"/static/css/gone.css", nil},
	} {
		b.Run(name, func(b *testing.B) {
			h := s.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			r := httptest.NewRequest("GET", c.target, nil)
			r.Header = c.header
			w := &sink{header: make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}
