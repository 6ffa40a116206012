package compress_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/compress"
	"github.com/zeugkit/zeug/wrappers"
)

// table is text of about n bytes that compresses like a CSV file.
func table(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,%d,name-%d,%x\n", i, r.IntN(1000), r.IntN(50), r.Uint32())
	}
	return b.Bytes()[:n]
}

func open(t *testing.T, url, coding string) *http.Response {
	t.Helper()
	req, err := http.NewRequest("GET", url, nil)
	require.NoError(t, err)
	req.Header.Set("Accept-Encoding", coding)
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestAnAnswerThatEndsTooSoonIsCut(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd", "identity"} {
		for _, size := range []int{2000, 100_000, 1_000_000} {
			t.Run(coding+" of "+strconv.Itoa(size), func(t *testing.T) {
				server := httptest.NewServer(compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/csv")
					w.Header().Set("Content-Length", strconv.Itoa(size))
					_, _ = w.Write(table(size / 2))
				})))
				defer server.Close()
				req, err := http.NewRequest("GET", server.URL, nil)
				require.NoError(t, err)
				req.Header.Set("Accept-Encoding", coding)
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					return // cut before the header left the server
				}
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			})
		}
	}
}

func TestMoreThanContentLengthIsRefused(t *testing.T) {
	for _, size := range []int{2000, 100_000} {
		want := table(size)
		errs := make(chan error, 1)
		server := httptest.NewServer(compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/csv")
			w.Header().Set("Content-Length", strconv.Itoa(size))
			_, _ = w.Write(want)
			_, err := w.Write([]byte("more"))
			errs <- err
		})))
		resp := open(t, server.URL, "gzip")
		require.ErrorIs(t, <-errs, http.ErrContentLength)
		require.True(t, string(want) == decoded(t, "gzip", resp.Body))
		server.Close()
	}
}

func TestLongAnswersArriveWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, coding := range []string{"gzip", "br", "zstd"} {
		for _, size := range []int{64<<10 - 1, 64 << 10, 64<<10 + 1, 96 << 10, 128 << 10, 1<<20 + 7} {
			for _, piece := range []int{1777, size} {
				want := table(size)
				w := get(t, compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/csv")
					for rest := want; len(rest) > 0; {
						n, err := w.Write(rest[:min(piece, len(rest))])
						if err != nil {
							panic(err)
						}
						rest = rest[n:]
					}
				})), coding)
				require.Equal(t, coding, w.Header().Get("Content-Encoding"))
				require.Less(t, w.Body.Len(), size*2/3)
				require.True(t, string(want) == decoded(t, coding, w.Body), "%s of %d by %d", coding, size, piece)
			}
		}
	}
}

// With 64 KiB of input, a client gets the first output.
func TestTheFirstOutputComesWithinABlock(t *testing.T) {
	for _, coding := range []string{"gzip", "br", "zstd"} {
		t.Run(coding, func(t *testing.T) {
			text := table(1 << 20)
			next := make(chan struct{})
			server := httptest.NewServer(compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/csv")
				for i := 0; i < len(text); i += 8 << 10 {
					if i == 64<<10 {
						<-next
					}
					_, _ = w.Write(text[i : i+8<<10])
				}
			})))
			defer server.Close()
			resp := open(t, server.URL, coding)
			first := make([]byte, 1000)
			_, err := io.ReadFull(resp.Body, first)
			require.NoError(t, err)
			close(next)
			rest, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.True(t, string(text) == decoded(t, coding, io.MultiReader(bytes.NewReader(first), bytes.NewReader(rest))))
		})
	}
}

// Each client that does not read holds a quarter of a megabyte of memory,
// whatever it accepts.
func TestAnswersThatNobodyReadsHoldLittle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const clients = 100
	text := table(1 << 20)
	var writing sync.WaitGroup
	h := compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		_, _ = w.Write(text)
	}))
	for _, accept := range []string{"gzip", "zstd, gzip", "br, gzip", "br"} {
		t.Run(accept, func(t *testing.T) {
			release := make(chan struct{})
			var open sync.WaitGroup
			open.Add(clients)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for range clients {
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("Accept-Encoding", accept)
				w := &stalled{header: http.Header{}, reached: open.Done, release: release}
				writing.Go(func() { h.ServeHTTP(w, r) })
			}
			open.Wait()
			runtime.GC()
			runtime.GC()
			runtime.ReadMemStats(&after)
			close(release)
			writing.Wait()
			const rare = 16 * 2 << 20 // some hold an encoder
			held := (int64(after.HeapAlloc) - int64(before.HeapAlloc) - rare) / clients
			require.Less(t, held, int64(256<<10))
		})
	}
}

// stalled is the writer of a client that stops reading at once.
type stalled struct {
	header  http.Header
	once    sync.Once
	reached func()
	release chan struct{}
}

func (s *stalled) Header() http.Header { return s.header }
func (s *stalled) WriteHeader(int)     {}
func (s *stalled) Write(p []byte) (int, error) {
	s.once.Do(func() {
		s.reached()
		<-s.release
	})
	return 0, net.ErrClosed
}

func TestASmallWriteBeforeALargeOneCopiesLittle(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	long := string(text[:8<<20])
	for name, write := range map[string]func(http.ResponseWriter){
		"Write":       func(w http.ResponseWriter) { _, _ = w.Write(text) },
		"WriteString": func(w http.ResponseWriter) { _, _ = io.WriteString(w, long) },
	} {
		h := compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(w, "small")
			write(w)
		}))
		for _, accept := range []string{"gzip", "identity"} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Accept-Encoding", accept)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			h.ServeHTTP(discard{http.Header{}}, r)
			runtime.ReadMemStats(&after)
			if accept == "identity" || poolsKeep {
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20<<20), "%s, %s", name, accept)
			}
		}
	}
}

func TestTagsOfCodedAnswers(t *testing.T) {
	var got string
	h := compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("If-Match")
		resp := wrappers.Text(long)
		if err := resp.Set("ETag", `"abc"`); err != nil {
			panic(err)
		}
		resp.MakeConditional().ServeHTTP(w, r)
	}))
	ask := func(field, value, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set(field, value)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		field, value, accept string
		status               int
		tag, seen            string
	}{
		{"If-None-Match", `W/"abc"`, "gzip", 304, `W/"abc"`, ""},
		{"If-None-Match", `"x", W/"abc"`, "gzip", 304, `W/"abc"`, ""},
		{"If-None-Match", `"abc"`, "gzip", 304, `"abc"`, ""},
		{"If-None-Match", `W/"abc"`, "identity", 304, `"abc"`, ""},
		{"If-Match", `W/"abc"`, "gzip", 200, `W/"abc"`, `"abc"`},
		{"If-Match", `"abc"`, "gzip", 200, `W/"abc"`, `"abc"`},
		{"If-Match", `W/"x", W/"abc"`, "gzip", 200, `W/"abc"`, `"x", "abc"`},
		{"If-Match", `*`, "gzip", 200, `W/"abc"`, `*`},
		{"If-Match", `W/"other"`, "gzip", 412, ``, `"other"`},
	} {
		t.Run(c.field+" "+c.value+" of "+c.accept, func(t *testing.T) {
			w := ask(c.field, c.value, c.accept)
			require.Equal(t, c.status, w.Code)
			if c.tag != "" {
				require.Equal(t, c.tag, w.Header().Get("Etag"))
			}
			require.Equal(t, c.seen, got)
		})
	}
}

func TestDigestsGoWithTheBytes(t *testing.T) {
	for _, body := range []string{long, strings.Repeat(long, 20)} {
		server := httptest.NewServer(compress.Compress{}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", "text/plain")
			for _, name := range []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5"} {
				h.Set(name, "x")
			}
			h.Set("Trailer", "Content-Digest, X-Rows")
			_, _ = io.WriteString(w, body)
			h.Set("Content-Digest", "x")
			h.Set("X-Rows", "7")
			h.Set(http.TrailerPrefix+"Repr-Digest", "x")
		})))
		for _, coding := range []string{"gzip", "identity"} {
			resp := open(t, server.URL, coding)
			text := decoded(t, resp.Header.Get("Content-Encoding"), bufio.NewReader(resp.Body))
			require.Equal(t, body, text)
			for _, name := range []string{"Content-Digest", "Repr-Digest", "Digest", "Content-Md5"} {
				require.Equal(t, coding == "gzip", resp.Header.Get(name)+resp.Trailer.Get(name) == "", name)
			}
			require.Equal(t, http.Header{"X-Rows": {"7"}}.Get("X-Rows"), resp.Trailer.Get("X-Rows"))
			require.Empty(t, resp.Header.Get("X-Rows"))
		}
		server.Close()
	}
}
