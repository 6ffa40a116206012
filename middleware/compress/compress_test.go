package compress_test

import (
	"bufio"
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/compress"
	"github.com/zeugkit/zeug/wrappers"
)

var long = strings.Repeat("a text that is worth compressing. ", 200)

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, long)
}

func get(t *testing.T, h http.Handler, accept string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	if accept != "-" {
		r.Header.Set("Accept-Encoding", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func decoded(t *testing.T, coding string, from io.Reader) string {
	t.Helper()
	var r io.Reader
	switch coding {
	case "br":
		r = brotli.NewReader(from)
	case "zstd":
		d, err := zstd.NewReader(from)
		require.NoError(t, err)
		defer d.Close()
		r = d
	case "gzip":
		d, err := stdgzip.NewReader(from)
		require.NoError(t, err)
		r = d
	default:
		r = from
	}
	text, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(text)
}

func TestCodings(t *testing.T) {
	h := compress.Compress{}.Wrap(http.HandlerFunc(page))
	for accept, want := range map[string]string{
		"gzip":                          "gzip",
		"br":                            "br",
		"zstd":                          "zstd",
		"gzip, deflate, br, zstd":       "zstd",
		"gzip, br":                      "br",
		"gzip;q=1, br;q=0.5":            "gzip",
		"*":                             "zstd",
		"*;q=0.1, gzip;q=0.5":           "gzip",
		"zstd;q=0, br;q=0, gzip;q=0.01": "gzip",
		"GZIP":                          "gzip",
		"identity":                      "",
		"identity, gzip;q=0.5":          "",
		"IDENTITY;q=0.6, *;q=0.5":       "",
		"identity;q=0.5, gzip;q=0.6":    "gzip",
		"identity, gzip":                "gzip",
		"gzip;q=0":                      "",
		"deflate":                       "",
		"":                              "",
		"-":                             "",
	} {
		t.Run(accept+" gets "+want, func(t *testing.T) {
			w := get(t, h, accept)
			require.Equal(t, want, w.Header().Get("Content-Encoding"))
			require.Equal(t, "Accept-Encoding", w.Header().Get("Vary"), "whoever asks")
			if want != "" {
				require.Less(t, w.Body.Len(), len(long)/4)
			}
			require.Equal(t, long, decoded(t, want, w.Body))
		})
	}
}

func TestWhatIsCompressed(t *testing.T) {
	for _, c := range []struct {
		name   string
		header map[string]string
		status int
		body   string
		want   bool
	}{
		{"a page", map[string]string{"Content-Type": "text/html"}, 200, long, true},
		{"an error page", map[string]string{"Content-Type": "text/html"}, 404, long, true},
		{"JSON", map[string]string{"Content-Type": "application/problem+json"}, 200, long, true},
		{"SVG", map[string]string{"Content-Type": "image/svg+xml"}, 200, long, true},
		{"what sniffs as text", nil, 200, long, true},
		{"a long answer with its length", map[string]string{"Content-Type": "text/plain", "Content-Length": "6800"}, 200, long, true},
		{"a short answer", map[string]string{"Content-Type": "text/html"}, 200, "short", false},
		{"a picture", map[string]string{"Content-Type": "image/png"}, 200, long, false},
		{"an event stream", map[string]string{"Content-Type": "text/event-stream"}, 200, long, false},
		{"what is coded already", map[string]string{"Content-Type": "text/html", "Content-Encoding": "gzip"}, 200, long, false},
		{"a part", map[string]string{"Content-Type": "text/html", "Content-Range": "bytes 0-1/2"}, 206, long, false},
		{"what must not be changed", map[string]string{"Content-Type": "text/html", "Cache-Control": "public, No-Transform"}, 200, long, false},
		{"what says that it is short", map[string]string{"Content-Type": "text/html", "Content-Length": "5"}, 200, "short", false},
		{"nothing", map[string]string{"Content-Type": "text/html"}, 204, "", false},
		{"not modified", map[string]string{"Etag": `"x"`}, 304, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(t, compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				for name, value := range c.header {
					w.Header().Set(name, value)
				}
				w.WriteHeader(c.status)
				for piece := range strings.SplitAfterSeq(c.body, ".") {
					if piece == "" {
						continue
					}
					n, err := io.WriteString(w, piece)
					require.NoError(t, err)
					require.Equal(t, len(piece), n)
				}
			})), "gzip")
			require.Equal(t, c.status, w.Code)
			if !c.want {
				require.Equal(t, c.header["Content-Encoding"], w.Header().Get("Content-Encoding"))
				require.Equal(t, c.body, w.Body.String())
				require.Equal(t, c.header["Content-Length"], w.Header().Get("Content-Length"))
				return
			}
			require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
			require.Equal(t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
			require.NotEmpty(t, w.Header().Get("Content-Type"))
			require.Equal(t, c.body, decoded(t, "gzip", w.Body))
		})
	}
}

func TestHeaderOfACodedAnswer(t *testing.T) {
	w := get(t, compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"abc"`)
		w.Header().Set("Vary", "Cookie")
		w.Header().Set("Accept-Ranges", "bytes")
		page(w, r)
	})), "gzip")
	require.Equal(t, `W/"abc"`, w.Header().Get("ETag"), "other bytes, the same meaning")
	require.Equal(t, "Cookie, Accept-Encoding", w.Header().Get("Vary"))
	require.Empty(t, w.Header().Get("Accept-Ranges"))
}

func TestTwoInARowCompressOnce(t *testing.T) {
	c := compress.Compress{}
	w := get(t, c.Wrap(c.Wrap(http.HandlerFunc(page))), "gzip")
	require.Equal(t, []string{"gzip"}, w.Header().Values("Content-Encoding"))
	require.Equal(t, long, decoded(t, "gzip", w.Body))
}

func TestStreams(t *testing.T) {
	for name, c := range map[string]struct {
		settings compress.Compress
		coding   string
	}{
		"go out as they are":            {compress.Compress{}, ""},
		"are compressed where asked to": {compress.Compress{Streams: true}, "gzip"},
	} {
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{})
			server := httptest.NewServer(c.settings.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/plain")
				_, _ = io.WriteString(w, "first\n")
				w.(http.Flusher).Flush()
				<-next
				_, _ = io.WriteString(w, long)
			})))
			defer server.Close()
			req, err := http.NewRequest("GET", server.URL, nil)
			require.NoError(t, err)
			req.Header.Set("Accept-Encoding", "gzip")
			resp, err := http.DefaultTransport.RoundTrip(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			require.Equal(t, c.coding, resp.Header.Get("Content-Encoding"))
			var from io.Reader = resp.Body
			if c.coding != "" {
				from, err = stdgzip.NewReader(resp.Body)
				require.NoError(t, err)
			}
			r := bufio.NewReader(from)
			line, err := r.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "first\n", line, "before the second is written")
			close(next)
			rest, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, long, string(rest))
		})
	}
}

// The response to HEAD has the header of a GET, and its length must be right.
func TestHEADHasTheHeaderOfGET(t *testing.T) {
	for name, c := range map[string]struct {
		coding  string
		handler http.HandlerFunc
		varies  bool
	}{
		"a long text whose length is said": {"gzip", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(long)))
			if r.Method != http.MethodHead {
				_, _ = io.WriteString(w, long)
			}
		}, true},
		"a long text that is written":          {"gzip", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }, true},
		"a text that fits the server's buffer": {"gzip", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long[:1500]) }, true},
		"a short text":                         {"gzip", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "short") }, false},
		"a client without codings":             {"identity", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) }, true},
		"a Response":                           {"br", wrappers.Text(long).ServeHTTP, true},
		"a picture": {"gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Header().Set("Content-Length", "6800")
			_, _ = w.Write(make([]byte, 6800))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Etag", `"x"`)
				c.handler(w, r)
			})))
			defer server.Close()
			var header [2]http.Header
			for i, method := range []string{"GET", "HEAD"} {
				req, err := http.NewRequest(method, server.URL, nil)
				require.NoError(t, err)
				req.Header.Set("Accept-Encoding", c.coding)
				resp, err := http.DefaultTransport.RoundTrip(req)
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				header[i] = resp.Header
			}
			require.Equal(t, c.varies, header[0].Get("Vary") != "")
			if header[1].Get("Content-Length") == "" {
				header[0].Del("Content-Length") // the length may be left out
			}
			require.Equal(t, header[0], header[1])
		})
	}
}

// A response to a range request has the same Vary as the whole.
func TestPartsVaryAsTheWhole(t *testing.T) {
	for _, c := range []struct{ ranges, vary string }{{"bytes=0-9", "Accept-Encoding"}, {"bytes=0-9,20-29", "Accept-Encoding"}} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		r.Header.Set("Range", c.ranges)
		w := httptest.NewRecorder()
		compress.Compress{}.Wrap(wrappers.Text(long).MakeConditional()).ServeHTTP(w, r)
		require.Equal(t, 206, w.Code)
		require.Equal(t, c.vary, w.Header().Get("Vary"))
		require.Empty(t, w.Header().Get("Content-Encoding"))
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte(long), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.png"), bytes.Repeat([]byte{1, 2, 3}, 5000), 0o600))
	server := httptest.NewServer(compress.Compress{}.Wrap(http.FileServer(http.Dir(dir))))
	defer server.Close()
	for name, coding := range map[string]string{"a.txt": "br", "a.png": ""} {
		req, err := http.NewRequest("GET", server.URL+"/"+name, nil)
		require.NoError(t, err)
		req.Header.Set("Accept-Encoding", "br")
		resp, err := http.DefaultTransport.RoundTrip(req)
		require.NoError(t, err)
		require.Equal(t, coding, resp.Header.Get("Content-Encoding"))
		want, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, string(want), decoded(t, coding, resp.Body))
		require.NoError(t, resp.Body.Close())
	}
}

func TestAPanicLeavesTheAnswerCut(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Accept-Encoding", "gzip")
	require.PanicsWithValue(t, "x", func() {
		compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			page(w, r)
			panic("x")
		})).ServeHTTP(w, r)
	})
	d, err := stdgzip.NewReader(w.Body)
	if err == nil {
		_, err = io.ReadAll(d)
	}
	require.Error(t, err, "the client can tell that it is not whole")
}

func TestSettings(t *testing.T) {
	t.Run("skip", func(t *testing.T) {
		w := get(t, compress.Compress{Skip: func(*http.Request) bool { return true }}.Wrap(http.HandlerFunc(page)), "gzip")
		require.Empty(t, w.Header().Get("Content-Encoding"))
	})
	t.Run("own types alone", func(t *testing.T) {
		w := get(t, compress.Compress{Types: []string{"image/*"}}.Wrap(http.HandlerFunc(page)), "gzip")
		require.Empty(t, w.Header().Get("Content-Encoding"))
	})
	t.Run("own codings alone", func(t *testing.T) {
		w := get(t, compress.Compress{Codings: []string{"gzip"}}.Wrap(http.HandlerFunc(page)), "gzip, br, zstd")
		require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	})
	require.Panics(t, func() { compress.Compress{Codings: []string{"lzma"}}.Wrap(nil) })
	require.PanicsWithError(t, "compress.Compress: MinSize is 16777217: use a value from 0 to 16777216", func() { compress.Compress{MinSize: 16<<20 + 1}.Wrap(nil) })
}

func TestBodiesInPiecesComeWhole(t *testing.T) {
	check := func(body string, piece int, accept string) {
		h := compress.Compress{MinSize: 16}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			for rest := body; len(rest) > 0; {
				n := min(piece, len(rest))
				_, _ = io.WriteString(w, rest[:n])
				rest = rest[n:]
			}
		}))
		w := get(t, h, accept)
		require.Equal(t, body, decoded(t, w.Header().Get("Content-Encoding"), w.Body))
	}
	for _, accept := range []string{"", "gzip", "br", "zstd", "br;q=0, *", "identity;q=0"} {
		for _, size := range []int{0, 1, 15, 16, 17, 1000, len(long)} {
			for _, piece := range []int{1, 3, 16, 1001, 65_537} {
				if size/piece < 2000 {
					check(long[:min(size, len(long))], piece, accept)
				}
			}
		}
	}
}

func BenchmarkCompress(b *testing.B) {
	for _, coding := range []string{"", "gzip", "br", "zstd"} {
		b.Run("coding="+coding, func(b *testing.B) {
			h := compress.Compress{}.Wrap(http.HandlerFunc(page))
			r := httptest.NewRequest("GET", "/", nil)
			if coding != "" {
				r.Header.Set("Accept-Encoding", coding)
			}
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(discard{http.Header{}}, r)
			}
		})
	}
}

type discard struct{ h http.Header }

func (d discard) Header() http.Header         { return d.h }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
