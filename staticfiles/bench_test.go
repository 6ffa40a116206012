package staticfiles_test

import (
	"net/http"
	"net/http/httptest"
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

// What is asked for most costs no memory.
func TestHotAnswersDoNotAllocate(t *testing.T) {
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
		require.Zero(t, allocations, name)
		require.LessOrEqual(t, len(w.header), 8, "a map of more has to grow")
	}
}

// BenchmarkServe is what the middleware itself costs, without a server.
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
