package wsgi_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
)

// failing accepts only the first writes.
type failing struct{ after atomic.Int64 }

func (f *failing) Write(p []byte) (int, error) {
	if f.after.Add(-1) >= 0 {
		return len(p), nil
	}
	return 0, errors.New("the disk is full")
}

// passing fails once.
type passing struct {
	failed atomic.Bool
	journal
}

func (p *passing) Write(b []byte) (int, error) {
	if !p.failed.Swap(true) {
		return 0, errors.New("not now")
	}
	return p.journal.Write(b)
}

// Output of a worker may be lost. No request is lost with it.
func TestOutputThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	full := func(t *testing.T) io.Writer {
		f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip("there is no /dev/full here")
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	closed := func(t *testing.T) io.Writer {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, r.Close())
		t.Cleanup(func() { w.Close() })
		return w
	}
	for name, output := range map[string]func(*testing.T) io.Writer{
		"a full disk":                   full,
		"a pipe that nobody reads":      closed,
		"a writer that fails":           func(*testing.T) io.Writer { return &failing{} },
		"a writer that fails after one": func(*testing.T) io.Writer { f := &failing{}; f.after.Store(1); return f },
		"a writer that fails once":      func(*testing.T) io.Writer { return &passing{} },
	} {
		for mode, preload := range map[string]bool{"started": false, "forked": true} {
			t.Run(name+", "+mode, func(t *testing.T) {
				t.Parallel()
				if preload {
					long(t)
				}
				l := run(t, wsgi.Config{Workers: 1, Threads: 2, Preload: preload, RequestTimeout: 10 * time.Second, Output: output(t)})
				_, before := l.get("/pid")
				for range 4 {
					began := time.Now()
					for path, want := range map[string]int{"/raises": 500, "/errors": 200, "/prints": 200, "/": 200} {
						status, _ := l.get(path)
						require.Equal(t, want, status, path)
					}
					require.Less(t, time.Since(began), 5*time.Second)
				}
				resp, body, err := l.try("GET", "/raises-late", "")
				require.True(t, err != nil || resp.StatusCode == 200, body)
				_, after := l.get("/pid")
				require.Equal(t, before, after, "the worker goes on")
			})
		}
	}
}

// A Writer that works again gets the output again.
func TestOutputThatFailsOnce(t *testing.T) {
	t.Parallel()
	out := &passing{}
	l := run(t, wsgi.Config{Workers: 1, Output: out})
	for range 2 {
		_, body := l.get("/errors")
		require.Equal(t, "logged", body)
	}
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "something to log") }, 10*time.Second, time.Millisecond)
	require.Contains(t, l.log.String(), "what a worker prints is lost")
}

// All output arrives, even if it is longer than a pipe holds or is not text.
func TestOutputIsWhole(t *testing.T) {
	t.Parallel()
	l := shared(t)
	_, body := l.get("/prints")
	require.Equal(t, "printed", body)
	require.Eventually(t, func() bool {
		text := l.log.String()
		return strings.Contains(text, strings.Repeat("x", 100000)+"\n") && strings.Contains(text, `\ud800`)
	}, 10*time.Second, 10*time.Millisecond)
}

// A file of /proc has no size, and its content is sent all the same.
func TestFilesOfTheSystem(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc here")
	}
	l := shared(t)
	status, body := l.get("/proc-file")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "Name:")
}
