package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

// sink takes an answer as cheaply as can be.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkHandlers is what the handlers cost without a server around them.
func BenchmarkHandlers(b *testing.B) {
	root := filepath.Join(b.TempDir(), "files")
	makeFiles(root)
	var subjects []measure.Subject
	for _, q := range questions {
		for _, peer := range []struct {
			name    string
			handler http.Handler
		}{{"bare", bare(root, false)}, {"bare, all fields", bare(root, true)}, {"zeug", zeug(root, 0)}, {"http.FileServer", fileServer(root)}} {
			r := httptest.NewRequest("GET", q.path, nil)
			for name, values := range q.header {
				r.Header[name] = values
			}
			if q.name == "304" {
				w := httptest.NewRecorder()
				peer.handler.ServeHTTP(w, httptest.NewRequest("GET", q.path, nil))
				r.Header = http.Header{"If-None-Match": {w.Header().Get("ETag")}, "If-Modified-Since": {w.Header().Get("Last-Modified")}}
			}
			subjects = append(subjects, measure.Subject{Case: q.name, Peer: peer.name, Run: func(n int) {
				w := &sink{header: make(http.Header)}
				for range n {
					clear(w.header)
					peer.handler.ServeHTTP(w, r)
				}
			}})
		}
	}
	measure.Bench(b, subjects)
}

func TestFilesAreAnswered(t *testing.T) {
	root := filepath.Join(t.TempDir(), "files")
	makeFiles(root)
	for name, h := range map[string]http.Handler{"zeug": zeug(root, 0), "http.FileServer": fileServer(root)} {
		for _, q := range questions {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", q.path, nil))
			have, err := os.ReadFile(filepath.Join(root, filepath.Base(q.path)))
			if err != nil || w.Code != 200 || w.Body.String() != string(have) {
				t.Errorf("%s of %s: %d, %v", q.path, name, w.Code, err)
			}
		}
	}
}
