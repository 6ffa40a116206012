package wsgi_test

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/wsgi"
)

// TestMain lets more parallel tests run than there are processors: they wait for processes and timeouts. Those
// that keep the processors busy, or expect an answer within a time, run alone before.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// journal collects the workers' output and the log records about them.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *journal) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *journal) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// python returns an interpreter that has a module: the interpreter itself, not
// a program that looks for one, which would take time. Without one the test
// cannot be made, which CI does not allow.
func python(t testing.TB, module string) string {
	t.Helper()
	if path, _ := interpreters.LoadOrStore(module, sync.OnceValue(func() string {
		for _, name := range []string{"python3", "/usr/bin/python3"} {
			out, err := exec.Command(name, "-c", "import sys, "+module+"; print(sys.executable)").Output()
			if err == nil {
				return strings.TrimSpace(string(out))
			}
		}
		return ""
	})); path.(func() string)() != "" {
		return path.(func() string)()
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no Python here has the module %s", module)
	}
	t.Skipf("no Python here has the module %s", module)
	return ""
}

var interpreters sync.Map // by module

// legacy is a running application, and a server in front of it.
type legacy struct {
	*wsgi.Application
	t      testing.TB
	server *httptest.Server
	log    *journal
}

// run starts testdata/plain.py, unless c names another application.
func run(t testing.TB, c wsgi.Config) *legacy {
	t.Helper()
	l, err := try(t, c)
	require.NoError(t, err)
	return l
}

func try(t testing.TB, c wsgi.Config) (*legacy, error) {
	t.Helper()
	l := &legacy{t: t, log: &journal{}}
	if c.App == "" {
		c.App = "plain:app"
	}
	if c.Dir == "" {
		c.Dir = "testdata"
	}
	if c.Python == "" {
		c.Python = python(t, "wsgiref")
	}
	c.Env = append([]string{"PYTHONDONTWRITEBYTECODE=1"}, c.Env...)
	c.Logger = slog.New(slog.NewTextHandler(l.log, nil))
	if c.Output == nil {
		c.Output = l.log
	}
	a, err := wsgi.Start(c)
	if err != nil {
		return nil, err
	}
	l.Application = a
	l.server = httptest.NewServer(a)
	t.Cleanup(func() {
		l.server.CloseClientConnections()
		l.server.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := a.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if t.Failed() {
			t.Log(l.log)
		}
	})
	return l, nil
}

// ask sends a request and returns the response, with its body already read.
func (l *legacy) ask(method, path, body string, header ...string) (*http.Response, string) {
	l.t.Helper()
	resp, text, err := l.try(method, path, body, header...)
	require.NoError(l.t, err)
	return resp, text
}

func (l *legacy) try(method, path, body string, header ...string) (*http.Response, string, error) {
	r, err := http.NewRequest(method, l.server.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := l.server.Client().Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func (l *legacy) get(path string) (int, string) {
	l.t.Helper()
	resp, text := l.ask("GET", path, "")
	return resp.StatusCode, text
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/plain.py")
	require.NoError(t, err)
	for _, mode := range []struct {
		name   string
		config wsgi.Config
	}{
		{"started", wsgi.Config{Workers: 1}},
		{"forked", wsgi.Config{Workers: 1, Preload: true}},
		{"validated", wsgi.Config{Workers: 1, Validate: true}},
		{"unbuffered", wsgi.Config{Workers: 1, BufferAnswer: 1}},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			l := run(t, mode.config)
			for path, want := range map[string]struct {
				status int
				body   string
			}{
				"/":               {200, "hello"},
				"/missing":        {404, "no such view"},
				"/one-part":       {200, strings.Repeat("x", 1000000)},
				"/large-parts":    {200, strings.Repeat("x", 10000000) + strings.Repeat("y", 10000000)},
				"/empty-parts":    {200, "ab"},
				"/nothing":        {200, ""},
				"/no-content":     {204, ""},
				"/not-modified":   {304, ""},
				"/write":          {200, "written, twice, returned"},
				"/with-length":    {200, "hello"},
				"/late-start":     {201, "late"},
				"/recovers":       {500, "recovered"},
				"/file":           {200, string(source)},
				"/part-of-a-file": {200, string(source[3:17])},
				"/no-real-file":   {200, strings.Repeat("x", 200000)},
				"/closing":        {200, "ab"},
			} {
				if mode.config.Validate && (path == "/no-content" || path == "/write") {
					continue // the validator accepts neither
				}
				status, body := l.get(path)
				require.Equal(t, want.status, status, path)
				require.Equal(t, want.body, body, path)
				resp, body := l.ask("HEAD", path, "")
				require.Equal(t, want.status, resp.StatusCode, path)
				require.Empty(t, body, path)
			}
			_, parts := l.get("/parts")
			require.Len(t, parts, 140000)
			require.True(t, strings.HasPrefix(parts, "000000\n000001\n") && strings.HasSuffix(parts, "019999\n"))
		})
	}
}

func TestReloadAndStats(t *testing.T) {
	t.Parallel()
	for name, preload := range map[string]bool{"started": false, "forked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := run(t, wsgi.Config{Workers: 2, Preload: preload})
			_, before := l.get("/pid")
			require.NoError(t, l.Reload())
			_, after := l.get("/pid")
			require.NotEqual(t, before, after)
			require.Eventually(t, func() bool {
				s := l.Stats()
				return len(s.Workers) == 2 && s.Reloads == 1 && s.Requests == 2 && s.Crashed == 0
			}, 10*time.Second, 10*time.Millisecond)
		})
	}
}

func TestTheMountIsTheScriptName(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1})
	r, ok := gateway.Mount(httptest.NewRequest("GET", "http://example.org:8080/a%20b/environ/?q=1", nil), "/a%20b")
	require.True(t, ok)
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	for _, line := range []string{
		"SCRIPT_NAME='/a b'", "PATH_INFO='/environ/'", "QUERY_STRING='q=1'", "HTTP_HOST='example.org:8080'",
		"SERVER_NAME='example.org'", "SERVER_PORT='8080'", "REMOTE_ADDR='192.0.2.1'", "wsgi.url_scheme='http'",
		"wsgi.multithread=True", "wsgi.multiprocess=False", "wsgi.version=(1, 0)",
	} {
		require.Contains(t, w.Body.String()+"\n", line+"\n")
	}
}

func TestImportsThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ app, says string }{
		"a missing module":    {"nowhere:app", "No module named 'nowhere'"},
		"a missing attribute": {"plain:nothing", "has no attribute 'nothing'"},
		"no default":          {"os", "has neither application nor app"},
		"not callable":        {"plain:not_callable", "it is a int, which cannot be called"},
		"ASGI":                {"plain:asgi", "is an ASGI application, and this is a server for WSGI"},
		"a bad expression":    {"plain:a b", "names no application"},
		"a factory's error":   {"plain:factory()", "missing 1 required positional argument"},
		"a factory":           {"plain:without_arguments", "write 'plain:without_arguments()'"},
		"one of options":      {"plain:with_defaults", "write 'plain:with_defaults()'"},
		"of one argument":     {"plain:OfOne()", "cannot be called with two arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := try(t, wsgi.Config{App: c.app, Workers: 1})
			traceback := (*wsgi.Traceback)(nil)
			require.ErrorAs(t, err, &traceback)
			require.True(t, traceback.Importing)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, traceback.Text, "<zeug>")
		})
	}
}

func TestNamesOfApplications(t *testing.T) {
	t.Parallel()
	for app, want := range map[string]string{
		"plain":                           "hello",
		"plain:Objects.inner.app":         "hello",
		"plain:factory('hi')":             "hi, nobody",
		"plain:without_arguments()":       "hello",
		"plain:with_defaults(debug=True)": "hello",
		"plain:Called":                    "a class",
		"plain:of_a_request":              "hello",
		"plain:factory('hi', name='you')": "hi, you",
	} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			_, body := run(t, wsgi.Config{App: app, Workers: 1}).get("/")
			require.Equal(t, want, body)
		})
	}
}
