package responsewriter_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/responsewriter"
)

type plain struct{ http.ResponseWriter }
type flushes struct{ plain }
type hijacks struct{ plain }
type reads struct{ plain }

func (flushes) Flush()                                       {}
func (hijacks) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errors.New("no") }
func (reads) ReadFrom(r io.Reader) (int64, error)            { return io.Copy(io.Discard, r) }

type fails struct{ plain }

func (fails) FlushError() error { return errors.New("broken") }

type pushes struct{ flushes }

func (pushes) Push(string, *http.PushOptions) error { return nil }

type flushHijack struct {
	plain
	http.Flusher
	http.Hijacker
}
type flushRead struct {
	plain
	http.Flusher
	io.ReaderFrom
}
type hijackRead struct {
	plain
	http.Hijacker
	io.ReaderFrom
}
type all struct {
	plain
	http.Flusher
	http.Hijacker
	io.ReaderFrom
}
type covers struct{ plain }

func (c covers) Unwrap() http.ResponseWriter { return c.plain.ResponseWriter }

func TestWrapperCanDoWhatTheWriterCan(t *testing.T) {
	for name, c := range map[string]struct {
		w                         http.ResponseWriter
		flush, hijack, read, push bool
	}{
		"nothing":                     {w: plain{}},
		"flush":                       {w: flushes{}, flush: true},
		"flush with an error":         {w: fails{}, flush: true},
		"hijack":                      {w: hijacks{}, hijack: true},
		"read":                        {w: reads{}, read: true},
		"flush and push":              {w: pushes{}, flush: true, push: true},
		"flush and hijack":            {w: flushHijack{}, flush: true, hijack: true},
		"flush and read":              {w: flushRead{}, flush: true, read: true},
		"hijack and read":             {w: hijackRead{}, hijack: true, read: true},
		"everything":                  {w: all{}, flush: true, hijack: true, read: true},
		"flush and hijack underneath": {w: covers{plain{all{}}}, flush: true, hijack: true},
		"through two wrappers":        {w: first(responsewriter.Record(covers{plain{first(responsewriter.Record(all{}))}})), flush: true, hijack: true},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := responsewriter.Record(c.w)
			_, flush := w.(http.Flusher)
			_, hijack := w.(http.Hijacker)
			_, read := w.(io.ReaderFrom)
			_, push := w.(http.Pusher)
			require.Equal(t, []bool{c.flush, c.hijack, c.read, c.push}, []bool{flush, hijack, read, push})
			require.Implements(t, (*io.StringWriter)(nil), w)
			require.Implements(t, (*interface{ Unwrap() http.ResponseWriter })(nil), w)
		})
	}
}

func first[A, B any](a A, _ B) A { return a }

func TestErrorOfFlushingIsPassedOn(t *testing.T) {
	w, rec := responsewriter.Record(fails{})
	require.EqualError(t, http.NewResponseController(w).Flush(), "broken")
	require.False(t, rec.Written())
	w, _ = responsewriter.Record(plain{})
	require.ErrorIs(t, http.NewResponseController(w).Flush(), http.ErrNotSupported)
}

func TestRecorder(t *testing.T) {
	for _, c := range []struct {
		name   string
		do     func(w http.ResponseWriter)
		status int
		bytes  int64
	}{
		{"sees nothing", func(http.ResponseWriter) {}, 0, 0},
		{"sees a status", func(w http.ResponseWriter) { w.WriteHeader(404) }, 404, 0},
		{"sees the first status", func(w http.ResponseWriter) { w.WriteHeader(201); w.WriteHeader(500) }, 201, 0},
		{"sees no early hints", func(w http.ResponseWriter) { w.WriteHeader(103) }, 0, 0},
		{"sees a text", func(w http.ResponseWriter) { io.WriteString(w, "four") }, 200, 4},
		{"sees bytes after a status", func(w http.ResponseWriter) { w.WriteHeader(201); w.Write([]byte("ab")); w.Write([]byte("c")) }, 201, 3},
		{"sees a flush", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, 200, 0},
		{"sees a copy", func(w http.ResponseWriter) { io.Copy(w, iotest.OneByteReader(strings.NewReader("abc"))) }, 200, 3},
		{"sees an error page after a copy that failed at once", func(w http.ResponseWriter) {
			io.Copy(w, iotest.ErrReader(io.ErrUnexpectedEOF))
			w.WriteHeader(500)
		}, 500, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, below := range map[string]http.ResponseWriter{
				"over a writer": httptest.NewRecorder(),
				"over one that reads": struct {
					*httptest.ResponseRecorder
					io.ReaderFrom
				}{httptest.NewRecorder(), copies{}},
			} {
				w, rec := responsewriter.Record(below)
				c.do(w)
				require.Equal(t, c.status, rec.Status, name)
				require.Equal(t, c.bytes, rec.Bytes, name)
				require.Equal(t, c.status != 0, rec.Written(), name)
			}
		})
	}
}

func TestCopyThatPanicsMayHaveBegun(t *testing.T) {
	w, rec := responsewriter.Record(reads{})
	require.Panics(t, func() { io.Copy(w, readerFunc(func([]byte) (int, error) { panic("no") })) })
	require.True(t, rec.Written())
}

type copies struct{}

func (copies) ReadFrom(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestRecorderIsShared(t *testing.T) {
	w, rec := responsewriter.Record(httptest.NewRecorder())
	again, same := responsewriter.Record(w)
	require.Same(t, rec, same)
	require.Same(t, w, again)
	_, other := responsewriter.Record(covers{plain{w}})
	require.NotSame(t, rec, other, "a writer between them may change what passes")
}

// A file goes from the disk to the socket through two wrappers without a copy in this process: it
// reaches net/http's ReadFrom.
func TestFileIsHandedToTheServer(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(name, []byte(strings.Repeat("x", 1<<20)), 0o600))
	var rec *responsewriter.Recorder
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := &readFrom{ResponseWriter: w}
		w, rec = responsewriter.Record(from)
		http.ServeFile(w, r, name)
		if !from.used {
			t.Error("the body was copied")
		}
	}))
	defer server.Close()
	resp, err := http.Get(server.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	require.EqualValues(t, 1<<20, n)
	server.Close()
	require.EqualValues(t, 1<<20, rec.Bytes)
}

type readFrom struct {
	http.ResponseWriter
	used bool
}

func (w *readFrom) ReadFrom(r io.Reader) (int64, error) {
	w.used = true
	return w.ResponseWriter.(io.ReaderFrom).ReadFrom(r)
}

func TestWrappingCostsOneAllocation(t *testing.T) {
	below := httptest.NewRecorder()
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		w, _ := responsewriter.Record(below)
		w.WriteHeader(200)
	}), 1.0)
}
