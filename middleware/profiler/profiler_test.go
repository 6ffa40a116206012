package profiler_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/limits/limitstest"
	"github.com/zeugkit/zeug/middleware/profiler"
)

var quiet = slog.New(slog.DiscardHandler)

// compute keeps a processor busy long enough for samples.
func compute(d time.Duration) (sum int) {
	for start := time.Now(); time.Since(start) < d; {
		for i := range 1000 {
			sum += i * i
		}
	}
	return sum
}

func busy(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/users/7" {
		compute(300 * time.Millisecond)
	}
	_, _ = io.WriteString(w, "ok")
}

func ask(h http.Handler, method, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	return list
}

func TestAProfileHasTheRequestAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profiles")
	h := profiler.Profiler{Dir: dir, Logger: quiet, Path: "/_profiler/"}.Wrap(http.HandlerFunc(busy))
	stop, other := make(chan struct{}), make(chan struct{})
	go func() { // another goroutine is busy meanwhile
		defer close(other)
		for {
			select {
			case <-stop:
				return
			default:
				elsewhere()
			}
		}
	}()
	require.Equal(t, "ok", ask(h, "GET", "/users/7").Body.String())
	close(stop)
	<-other
	list := files(t, dir)
	require.Len(t, list, 1)
	require.Regexp(t, `^GET\.users\.7\.\d+ms\.\d+\.prof$`, filepath.Base(list[0]))
	text, err := os.ReadFile(list[0])
	require.NoError(t, err)
	p, err := profile.Parse(bytes.NewReader(text))
	require.NoError(t, err)
	require.NotEmpty(t, p.Sample)
	require.Contains(t, p.String(), "profiler_test.compute")
	require.NotContains(t, p.String(), "profiler_test.elsewhere")

	name := filepath.Base(list[0])
	require.Contains(t, ask(h, "GET", "/_profiler/").Body.String(), name)
	require.Contains(t, ask(h, "GET", "/_profiler").Body.String(), name)
	flame := ask(h, "GET", "/_profiler/"+name+"/flamegraph")
	require.Equal(t, 200, flame.Code)
	require.Contains(t, flame.Body.String(), "profiler_test.compute")
	require.Equal(t, string(text), ask(h, "GET", "/_profiler/"+name+"/download").Body.String())
	for _, none := range []string{"nothing.prof", "..%2f..%2fetc%2fpasswd", name + "/nothing"} {
		require.Equal(t, 404, ask(h, "GET", "/_profiler/"+none).Code, none)
	}
}

// The links of the pages work, whatever tools are installed.
func TestNoLinkLeadsNowhere(t *testing.T) {
	links := regexp.MustCompile(`<a [^>]*href="([^"#?]+)"`)
	for name, path := range map[string]string{"with the tools of this machine": os.Getenv("PATH"), "without tools": ""} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", path)
			h := profiler.Profiler{Dir: t.TempDir(), Logger: quiet, Path: "/_profiler/"}.Wrap(http.HandlerFunc(busy))
			ask(h, "GET", "/users/7")
			ask(h, "GET", "/users/8") // which computes nothing
			start := &url.URL{Path: "/_profiler/"}
			seen := map[string]bool{start.Path: true}
			for todo := []*url.URL{start}; len(todo) > 0; todo = todo[1:] {
				w := ask(h, "GET", todo[0].Path)
				for w.Code == http.StatusMovedPermanently {
					next, err := todo[0].Parse(w.Header().Get("Location"))
					require.NoError(t, err)
					w = ask(h, "GET", next.Path)
				}
				require.Equal(t, 200, w.Code, "%s: %s", todo[0], w.Body)
				text := w.Body.String()
				require.NotContains(t, text, "NaN%", todo[0])
				if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
					continue
				}
				for _, match := range links.FindAllStringSubmatch(text, -1) {
					next, err := todo[0].Parse(match[1])
					require.NoError(t, err)
					if next.Host == "" && !seen[next.Path] {
						seen[next.Path] = true
						todo = append(todo, next)
					}
				}
			}
			require.Greater(t, len(seen), 4)
			t.Log(slices.Sorted(maps.Keys(seen)))
		})
	}
}

func TestAPageWithoutItsToolSaysSo(t *testing.T) {
	dir := t.TempDir()
	h := profiler.Profiler{Dir: dir, Logger: quiet, Path: "/_profiler/"}.Wrap(http.HandlerFunc(busy))
	ask(h, "GET", "/users/7")
	t.Setenv("PATH", "")
	for _, page := range []string{"graph", "source", "disasm"} {
		w := ask(h, "GET", "/_profiler/"+filepath.Base(files(t, dir)[0])+"/"+page)
		require.Equal(t, 404, w.Code)
		require.Contains(t, w.Body.String(), "This page needs the command ")
	}
	ask(h, "GET", "/idle")
	for _, file := range files(t, dir) {
		if strings.Contains(file, "idle") {
			w := ask(h, "GET", "/_profiler/"+filepath.Base(file)+"/flamegraph")
			require.Equal(t, 404, w.Code)
			require.Contains(t, w.Body.String(), "no samples")
		}
	}
}

//go:noinline
func elsewhere() { compute(time.Millisecond) }

func TestThePageAnswersThisMachineAlone(t *testing.T) {
	h := profiler.Profiler{Dir: t.TempDir(), Logger: quiet, Path: "/_profiler"}.Wrap(http.HandlerFunc(busy))
	require.Equal(t, 200, ask(h, "GET", "/_profiler/").Code)
	for name, change := range map[string]func(*http.Request){
		"another machine": func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" },
		"another name":    func(r *http.Request) { r.Host = "evil.example" },
		"through a proxy": func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") },
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/_profiler/", nil)
			r.Host, r.RemoteAddr = "localhost", "127.0.0.1:1"
			change(r)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.Equal(t, 404, w.Code)
		})
	}
}

func TestSlowRequestsAreTraced(t *testing.T) {
	dir := t.TempDir()
	h := profiler.Profiler{Dir: dir, Slow: 50 * time.Millisecond, Logger: quiet}.Wrap(http.HandlerFunc(busy))
	ask(h, "GET", "/fast")
	require.Empty(t, files(t, dir))
	ask(h, "GET", "/users/7")
	list := files(t, dir)
	require.Len(t, list, 1)
	require.True(t, strings.HasSuffix(list[0], ".trace"))
	text, err := os.ReadFile(list[0])
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(text, []byte("go 1.")), "what go tool trace reads")
}

func TestRequestsAtOnceAreServed(t *testing.T) {
	dir := t.TempDir()
	h := profiler.Profiler{Dir: dir, Keep: 2, Logger: quiet}.Wrap(http.HandlerFunc(busy))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if code := ask(h, "GET", "/").Code; code != 200 {
				t.Errorf("answered %d", code)
			}
		})
	}
	wg.Wait()
	for range 3 {
		ask(h, "GET", "/")
	}
	require.Len(t, files(t, dir), 2, "no more than Keep")
}

func TestFilename(t *testing.T) {
	at := time.Unix(1763719200, 0)
	for path, want := range map[string]string{
		"/":        "GET.root.231ms.1763719200.prof",
		"/foo/bar": "GET.foo.bar.231ms.1763719200.prof",
		"/foo/":    "GET.foo.231ms.1763719200.prof",
	} {
		require.Equal(t, want, profiler.Filename(profiler.Info{Method: "GET", Path: path, Elapsed: 230600 * time.Microsecond, Time: at}))
	}
	t.Run("a hostile path stays in the folder", func(t *testing.T) {
		dir := t.TempDir()
		h := profiler.Profiler{Dir: dir, Logger: quiet}.Wrap(http.HandlerFunc(busy))
		ask(h, "GET", "/..%2f..%2f"+strings.Repeat("x", 500)+"%00%0a")
		list := files(t, dir)
		require.Len(t, list, 1)
		require.LessOrEqual(t, len(filepath.Base(list[0])), 160)
	})
	t.Run("an own name", func(t *testing.T) {
		dir := t.TempDir()
		h := profiler.Profiler{Dir: dir, Logger: quiet, Filename: func(i profiler.Info) string { return "mine/" + i.Path }}.Wrap(http.HandlerFunc(busy))
		ask(h, "GET", "/a")
		require.Equal(t, "mine__a.prof", filepath.Base(files(t, dir)[0]))
	})
}

func TestSettingsAreDefinedAtTheirExtremes(t *testing.T) {
	limitstest.Check(t, profiler.Profiler{Dir: t.TempDir(), Logger: quiet}, func(_ *testing.T, p profiler.Profiler) (code int, err error) {
		defer func() { // a process has one flight recorder, and that of another test may still be running
			switch p := recover(); {
			case p == nil:
			case strings.Contains(fmt.Sprint(p), "flight recorder already enabled"):
				code = http.StatusOK
			default:
				panic(p)
			}
		}()
		w := httptest.NewRecorder()
		p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w.Code, nil
	})
}

func TestSettingsThatCannotBe(t *testing.T) {
	for name, p := range map[string]profiler.Profiler{
		"no folder":          {},
		"a negative time":    {Dir: t.TempDir(), Slow: -1},
		"a folder in a file": {Dir: filepath.Join(os.Args[0], "x")},
	} {
		t.Run(name, func(t *testing.T) { require.Panics(t, func() { p.Wrap(http.NotFoundHandler()) }) })
	}
}
