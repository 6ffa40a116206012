//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The test's own executable is the command.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_ZEUG") != "" || len(os.Args) > 1 && os.Args[1] == inspectName {
		if len(os.Args) < 2 || os.Args[1] != "serve" { // which starts itself anew
			os.Unsetenv("TEST_ZEUG")
		}
		main()
		return
	}
	// Where SIGHUP is ignored, as under nohup, the programs that the tests start
	// would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	os.Exit(m.Run())
}

func zeug(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TEST_ZEUG=1", "GOWORK=off", "GOFLAGS=")
	return cmd
}

// output runs the command and returns what it prints and its exit code.
func output(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	cmd := zeug(dir, args...)
	cmd.Stdout, cmd.Stderr = &out, &err
	cmd.Run()
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// begun is a new project.
func begun(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds programs")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	out, problem, code := output(t, dir, "new", "example.org/ada/guestbook", "--replace", root)
	require.Equal(t, 0, code, problem)
	require.Equal(t, "made guestbook: cd guestbook && zeug run\n", out)
	return filepath.Join(dir, "guestbook")
}

func TestANewProjectIsWhole(t *testing.T) {
	dir := begun(t)
	for _, args := range [][]string{{"vet", "./..."}, {"test", "./..."}, {"mod", "tidy", "-diff"}} {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	for _, name := range []string{"main.go", "app.go", "app_test.go"} {
		out, err := exec.Command("gofmt", "-l", filepath.Join(dir, name)).CombinedOutput()
		require.NoError(t, err)
		require.Empty(t, string(out))
	}
	_, problem, code := output(t, filepath.Dir(dir), "new", "guestbook")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "is there already, and not empty")

	t.Run("its rules are listed", func(t *testing.T) {
		out, problem, code := output(t, dir, "routes")
		require.Equal(t, 0, code, problem)
		require.Regexp(t, `(?m)^ENDPOINT +METHODS +RULE +WRITTEN AT\nindex +any +/ +app\.go:\d+\nhello +any +/hello/<name> +app\.go:\d+\n$`, out)
		source, err := os.ReadFile(filepath.Join(dir, "app.go"))
		require.NoError(t, err)
		line := regexp.MustCompile(`hello/<name> +app\.go:(\d+)`).FindStringSubmatch(out)[1]
		var number int
		fmt.Sscan(line, &number)
		require.Contains(t, strings.Split(string(source), "\n")[number-1], `Endpoint: "hello"`)

		out, _, _ = output(t, dir, "routes", "--json")
		var routes []route
		require.NoError(t, json.Unmarshal([]byte(out), &routes))
		require.Equal(t, []string{"/", "/hello/<name>"}, []string{routes[0].Path, routes[1].Path})
	})

	t.Run("it runs and follows its files", func(t *testing.T) { follow(t, dir) })

	t.Run("one that does not build has no rules", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.go"), []byte("package main\n\nvar x int = \"\"\n"), 0o600))
		_, problem, code := output(t, dir, "routes")
		require.Equal(t, 1, code)
		require.Contains(t, problem, "bad.go:3:13")
	})
}

func TestANewProjectWithoutAReleaseSaysWhatToDo(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	dir := t.TempDir()
	_, problem, code := output(t, dir, "new", "guestbook")
	require.Equal(t, 1, code)
	require.Contains(t, problem, `"go mod tidy" failed there`)
	require.Contains(t, problem, `go mod edit -replace github.com/zeugkit/zeug=FOLDER`)
	require.FileExists(t, filepath.Join(dir, "guestbook", "main.go"))
}

func TestANewProjectJoinsAWorkspace(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	if testing.Short() {
		t.Skip("builds programs")
	}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.work"), []byte("go 1.26.0\n"), 0o600))
	within := func(dir string, name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TEST_ZEUG=1", "GOWORK=", "GOFLAGS=")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	require.Contains(t, within(dir, os.Args[0], "new", "guestbook", "--replace", root), "made guestbook: cd guestbook && go work use . && zeug run\n")
	project := filepath.Join(dir, "guestbook")
	within(project, "go", "work", "use", ".")
	require.Contains(t, within(project, os.Args[0], "routes"), "/hello/<name>")
}

// lines collects what a command prints.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func follow(t *testing.T, dir string) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := free.Addr().String()
	free.Close()
	log := &lines{}
	cmd := zeug(dir, "run", ".", "--", "-addr", addr)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(t, cmd.Start())
	defer func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), "it ends with 0: %s", log)
	}()
	contains := func(path, want string) {
		t.Helper()
		var body string
		require.Eventually(t, func() bool {
			resp, err := http.Get("http://" + addr + path)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			body = string(b)
			return strings.Contains(body, want)
		}, 2*time.Minute, 20*time.Millisecond, "%s has no %q: %s", path, want, log)
	}
	contains("/hello/Ada", "<h1>Hello, Ada!</h1>")
	require.Contains(t, log.String(), addr)
	edit := func(name, old, new string) {
		t.Helper()
		file := filepath.Join(dir, name)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(b), old)
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(b), old, new, 1)), 0o600))
	}
	// A template is read anew without a build, although it is embedded too.
	edit("templates/hello.html", "<h1>Hello", "<h1>Moin")
	contains("/hello/Ada", "<h1>Moin, Ada!</h1>")
	require.NotContains(t, log.String(), "detected change")
	edit("app.go", `"name": args.String("name")`, `"name": "the changed " + args.String("name")`)
	contains("/hello/Ada", "<h1>Moin, the changed Ada!</h1>")
	require.Contains(t, log.String(), "detected change")
}

func TestWhatIsRefused(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "junk.pid"), []byte("junk"), 0o600))
	for name, c := range map[string]struct {
		args []string
		says string
		code int
	}{
		"an unknown command":          {[]string{"rnu"}, `there is no command "rnu"`, 2},
		"an unknown flag":             {[]string{"run", "--prot", "1"}, "zeug run --help shows the flags", 2},
		"two packages":                {[]string{"run", "a", "b"}, "follow --", 2},
		"a project without name":      {[]string{"new"}, "name the program", 2},
		"a project's bad name":        {[]string{"new", "a b"}, "cannot be the path of a module", 2},
		"a project outside":           {[]string{"new", "../x"}, "cannot be the path of a module", 2},
		"a project's hidden folder":   {[]string{"new", "example.org/.x"}, "does not see folders such as", 2},
		"a project Windows refuses":   {[]string{"new", "con"}, "disallowed as path element", 2},
		"a project named as the tool": {[]string{"new", "go"}, "means something else to the go command", 2},
		"a run of nothing":            {[]string{"run", "--addr", "127.0.0.1:0", "./none"}, "none", 78},
		"a run at a bad address":      {[]string{"run", "--addr", "5000"}, `write "host:port"`, 78},
		"a reload of nobody":          {[]string{"reload"}, "name the server", 2},
		"a reload without file":       {[]string{"reload", "missing.pid"}, "there is no file", 1},
		"a reload of junk":            {[]string{"reload", "junk.pid"}, "holds no number", 1},
		"a reload of process 1":       {[]string{"reload", "1"}, "no process of a server", 1},
		"a reload of what runs not":   {[]string{"reload", "4194305"}, "no process 4194305 runs", 1},
		"rules of what is no program": {[]string{"routes", "./none"}, "does not build", 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem, code := output(t, dir, c.args...)
			require.Contains(t, problem, c.says)
			require.Equal(t, c.code, code)
		})
	}
}

func TestVersionHelpAndCompletion(t *testing.T) {
	for _, args := range [][]string{{"--version"}, {"version"}} {
		out, _, code := output(t, ".", args...)
		require.Equal(t, 0, code)
		require.Regexp(t, `^zeug \S.* `+regexp.QuoteMeta(runtime.Version()), out)
	}
	for _, command := range []string{"run", "routes", "new", "serve", "status", "reload"} {
		out, _, code := output(t, ".", command, "--help")
		require.Equal(t, 0, code)
		require.Contains(t, out, "Examples:\n  ")
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		out, _, code := output(t, ".", "completion", shell)
		require.Equal(t, 0, code)
		require.Contains(t, out, "zeug")
	}
	out, _, _ := output(t, ".", "__complete", "run", "")
	require.Contains(t, out, "./inspect/internal/crash", "packages that are programs")
}

func TestReloadWaitsForTheNewProcess(t *testing.T) {
	dir := begun(t)
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), bytes.Replace(text, []byte("Debug: *dev,"), []byte(`Debug: *dev, PIDFile: "pid",`), 1), 0o600))
	build := exec.Command("go", "build", "-o", "program", ".")
	build.Dir, build.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	server := exec.Command("./program", "-addr", "127.0.0.1:0")
	server.Dir = dir
	require.NoError(t, server.Start())
	t.Cleanup(func() { server.Process.Kill() })
	pidFile := filepath.Join(dir, "pid")
	require.Eventually(t, func() bool { _, err := os.Stat(pidFile); return err == nil }, 20*time.Second, 10*time.Millisecond)
	said, problem, code := output(t, dir, "reload", "pid")
	require.Equal(t, 0, code, problem)
	require.Regexp(t, fmt.Sprintf(`^process \d+ has taken over from %d\n$`, server.Process.Pid), said)
	require.NoError(t, server.Wait())
	now, err := readPID(pidFile)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(now, syscall.SIGTERM))
	require.Eventually(t, func() bool { return syscall.Kill(now, 0) != nil }, 20*time.Second, 10*time.Millisecond)
}
