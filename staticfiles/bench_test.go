package staticfiles_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zeugkit/zeug/staticfiles"
)

// sink is the cheapest ResponseWriter there is.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

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
