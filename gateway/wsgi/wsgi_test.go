package wsgi_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
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
	// The system's Python comes first: a version manager's python3 runs a dozen programs before it runs Python.
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		os.Setenv("PATH", "/usr/bin"+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	code := m.Run()
	if common.legacy != nil {
		if err := common.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "shutdown of the shared application:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// long leaves a test out that takes seconds, with -short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes seconds")
	}
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

// journals writes to each of several journals.
type journals struct {
	mu  sync.Mutex
	all map[*journal]bool
}

func (l *journals) add(j *journal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[*journal]bool{}
	}
	l.all[j] = true
}

func (l *journals) remove(j *journal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, j)
}

func (l *journals) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for j := range l.all {
		if _, err := j.Write(p); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// python returns an interpreter that has a module: the interpreter itself, not
// a program that looks for one, which would take time. Without one the test
// cannot be made, which CI does not allow.
func python(t testing.TB, module string) string {
	t.Helper()
	if path := interpreters()[module]; path != "" {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("no Python here has the module %s", module)
	}
	t.Skipf("no Python here has the module %s", module)
	return ""
}

// interpreters maps each module that the tests need to an interpreter that has it. The system's interpreter is
// preferred, because it starts in half the time of those that version managers install.
var interpreters = sync.OnceValue(func() map[string]string {
	const script = `import importlib.util, sys
print(sys.executable, *filter(importlib.util.find_spec, sys.argv[1:]), sep="\n")`
	found := map[string]string{}
	for _, name := range []string{"/usr/bin/python3", "python3"} {
		out, err := exec.Command(name, "-c", script, "wsgiref", "flask", "django", "bottle", "pyramid", "falcon").Output()
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		for _, module := range lines[1:] {
			if found[module] == "" {
				found[module] = lines[0]
			}
		}
	}
	return found
})

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
	if c.Python == "" {
		c.Python = python(t, "wsgiref")
	}
	log := &journal{}
	l, err := start(c, log)
	if err != nil {
		return nil, err
	}
	l.t, l.log = t, log
	t.Cleanup(func() {
		if err := l.stop(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	return l, nil
}

// start starts an application that logs, and by default prints, to log.
func start(c wsgi.Config, log io.Writer) (*legacy, error) {
	c.App, c.Dir = cmp.Or(c.App, "plain:app"), cmp.Or(c.Dir, "testdata")
	c.Env = append([]string{"PYTHONDONTWRITEBYTECODE=1"}, c.Env...)
	c.Logger = slog.New(slog.NewTextHandler(log, nil))
	if c.Output == nil {
		c.Output = log
	}
	a, err := wsgi.Start(c)
	if err != nil {
		return nil, err
	}
	return &legacy{Application: a, server: httptest.NewServer(a)}, nil
}

func (l *legacy) stop() error {
	l.server.CloseClientConnections()
	l.server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return l.Shutdown(ctx)
}

// common is the application of the tests that call shared. Its log goes to those that run.
var common struct {
	sync.Once
	*legacy
	err  error
	logs journals
}

// shared returns testdata/plain.py with one worker, which other tests use at the same time. It is for tests that
// leave the worker as it is and need no configuration of their own: most of them take less time than the start of
// Python. The log begins with the test.
func shared(t testing.TB) *legacy {
	t.Helper()
	interpreter := python(t, "wsgiref")
	common.Do(func() {
		common.legacy, common.err = start(wsgi.Config{Workers: 1, Python: interpreter}, &common.logs)
	})
	require.NoError(t, common.err)
	l := &legacy{Application: common.Application, t: t, server: common.server, log: &journal{}}
	common.logs.add(l.log)
	t.Cleanup(func() {
		common.logs.remove(l.log)
		if t.Failed() {
			t.Log(l.log)
		}
	})
	return l
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
	l := shared(t)
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
	long(t)
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
	long(t)
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
