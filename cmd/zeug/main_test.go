//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/internal/procstate"
)

// The test's own executable is the command.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_ZEUG") != "" || len(os.Args) > 1 && (os.Args[1] == inspectName || os.Args[1] == checkName) {
		if len(os.Args) < 2 || os.Args[1] != "serve" { // which starts itself again
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

// begun is a new project: a site, or another kind if the flags choose it.
func begun(t *testing.T, flags ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds programs")
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	dir := t.TempDir()
	out, problem, code := output(t, dir, append([]string{"new", "example.org/ada/guestbook", "--replace", root}, flags...)...)
	require.Equal(t, 0, code, problem)
	require.Equal(t, "made guestbook: cd guestbook && zeug run\n", out)
	return filepath.Join(dir, "guestbook")
}

// whole requires that a new project is formatted and tidy, and that the commands of its
// workflow succeed.
func whole(t *testing.T, dir string) {
	t.Helper()
	workflow, err := os.ReadFile(filepath.Join(dir, ".github", "workflows", "test.yml"))
	require.NoError(t, err)
	commands := []string{"go mod tidy -diff"}
	for _, run := range regexp.MustCompile(`(?m)^      - run: (.+)$`).FindAllStringSubmatch(string(workflow), -1) {
		commands = append(commands, run[1])
	}
	require.Contains(t, commands, "go test ./...")
	for _, command := range commands {
		command, _, _ = strings.Cut(command, " #")
		args := strings.Fields(command)
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
		if rest, ok := strings.CutPrefix(command, "go run github.com/zeugkit/zeug/cmd/zeug@latest "); ok {
			cmd = zeug(dir, strings.Fields(rest)...) // this command is what the release would run
		}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
	}
	out, err := exec.Command("gofmt", "-l", dir).CombinedOutput()
	require.NoError(t, err)
	require.Empty(t, string(out))
}

func TestANewAPIIsWhole(t *testing.T) {
	dir := begun(t, "--api")
	whole(t, dir)
	require.NoDirExists(t, filepath.Join(dir, "templates"))
	out, problem, code := output(t, dir, "routes")
	require.Equal(t, 0, code, problem)
	require.Regexp(t, `(?m)^list +GET +/notes/ +main\.go:\d+\ncreate +POST +/notes/ .*\nshow +GET +/notes/<int:id> `, out)
	modules := exec.Command("go", "list", "-deps", ".")
	modules.Dir, modules.Env = dir, append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	linked, err := modules.Output()
	require.NoError(t, err)
	require.NotContains(t, string(linked), "pongo2", "an API does not link templates")
}

func TestANewProjectIsWhole(t *testing.T) {
	dir := begun(t)
	whole(t, dir)
	_, problem, code := output(t, filepath.Dir(dir), "new", "guestbook")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "is there already, and not empty")

	t.Run("its rules are listed", func(t *testing.T) {
		out, problem, code := output(t, dir, "routes")
		require.Equal(t, 0, code, problem)
		require.Regexp(t, `(?m)^ENDPOINT +METHODS +RULE +WRITTEN AT\nindex +GET +/ +main\.go:\d+\nhello +GET +/hello/<name> +main\.go:\d+\n- +GET +/static/<path:name>  \(static files\)  main\.go:\d+\n$`, out)
		source, err := os.ReadFile(filepath.Join(dir, "main.go"))
		require.NoError(t, err)
		line := regexp.MustCompile(`hello/<name> +main\.go:(\d+)`).FindStringSubmatch(out)[1]
		var number int
		fmt.Sscan(line, &number)
		require.Contains(t, strings.Split(string(source), "\n")[number-1], `"/hello/<name>", hello`)

		out, _, _ = output(t, dir, "routes", "--json")
		var routes []route
		require.NoError(t, json.Unmarshal([]byte(out), &routes))
		require.Equal(t, []string{"/", "/hello/<name>", "/static/<path:name>"}, []string{routes[0].Path, routes[1].Path, routes[2].Path})
	})

	t.Run("it runs and follows its files", func(t *testing.T) { follow(t, dir) })

	t.Run("one that does not build has no rules", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "bad.go"), []byte("package main\n\nvar x int = \"\"\n"), 0o600))
		_, problem, code := output(t, dir, "routes")
		require.Equal(t, 1, code)
		require.Contains(t, problem, "bad.go:3:13")
	})
}

func TestANewProjectWithoutAReleaseSaysWhatToDoAndLeavesNothing(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("GOMODCACHE", t.TempDir())
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o755))
	for _, name := range []string{"guestbook", "empty"} {
		_, problem, code := output(t, dir, "new", name)
		require.Equal(t, 1, code)
		require.Equal(t, "zeug: no release of zeug can be fetched (github.com/zeugkit/zeug@latest: module lookup disabled by GOPROXY=off): "+
			"clone https://github.com/zeugkit/zeug and repeat the command with --replace and the clone's folder\n", problem)
	}
	_, problem, code := output(t, dir, "new", "guestbook", "--replace", filepath.Join(dir, "empty"))
	require.Equal(t, 1, code)
	require.Contains(t, problem, `"go mod tidy" failed:`)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "guestbook is not there")
	entries, err = os.ReadDir(filepath.Join(dir, "empty"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestANewProjectRequiresTheReleaseOfTheCommand(t *testing.T) {
	for version, want := range map[string]string{
		"v0.1.0":                               "v0.1.0",
		"v0.2.0-rc.1":                          "v0.2.0-rc.1",
		"":                                     "latest",
		"(devel)":                              "latest",
		"v0.1.0+dirty":                         "latest",
		"v0.1.1-0.20261130120000-0123456789ab": "latest",
	} {
		require.Equal(t, want, releaseOf(version), version)
	}
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
	addr := "127.0.0.1:" + freeport.Port(t)
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
	edit := func(name, before, after string) {
		t.Helper()
		file := filepath.Join(dir, name)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(b), before)
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(b), before, after, 1)), 0o600))
	}
	// A template is read again without a build, although it is embedded too.
	edit("templates/hello.html", "<h1>Hello", "<h1>Moin")
	contains("/hello/Ada", "<h1>Moin, Ada!</h1>")
	require.NotContains(t, log.String(), "detected change")
	edit("main.go", `"name": req.Params.String("name")`, `"name": "the changed " + req.Params.String("name")`)
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
		"an unknown command":                  {[]string{"rnu"}, `there is no command "rnu"`, 64},
		"an unknown flag":                     {[]string{"run", "--prot", "1"}, "zeug run --help shows the flags", 64},
		"two packages":                        {[]string{"run", "a", "b"}, "follow --", 64},
		"a project without name":              {[]string{"new"}, "name the program", 64},
		"a project's bad name":                {[]string{"new", "a b"}, "cannot be the path of a module", 64},
		"a project outside":                   {[]string{"new", "../x"}, "cannot be the path of a module", 64},
		"a project's hidden folder":           {[]string{"new", "example.org/.x"}, "does not see folders such as", 64},
		"a project Windows refuses":           {[]string{"new", "con"}, "disallowed as path element", 64},
		"a project named as the tool":         {[]string{"new", "go"}, "means something else to the go command", 64},
		"a run of nothing":                    {[]string{"run", "--addr", "127.0.0.1:0", "./none"}, "none", 78},
		"a run at a bad address":              {[]string{"run", "--addr", "5000"}, `write "host:port"`, 78},
		"a reload of nobody":                  {[]string{"reload"}, "name the server", 64},
		"a reload without file":               {[]string{"reload", "missing.pid"}, "there is no file", 1},
		"a reload of junk":                    {[]string{"reload", "junk.pid"}, "does not hold the number of a process", 1},
		"a reload of process 1":               {[]string{"reload", "1"}, "not a process of a server", 1},
		"a reload of what runs not":           {[]string{"reload", "4194305"}, "no process 4194305 runs", 1},
		"rules after a slow build":            {[]string{"routes", "--timeout", "1ms"}, ". was not built in time: --timeout gives it longer", 1},
		"rules of a folder without a program": {[]string{"routes", "./none"}, "does not build", 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem, code := output(t, dir, c.args...)
			require.Contains(t, problem, c.says)
			require.Equal(t, c.code, code)
		})
	}
}

func TestHelpIsBrokenBetweenWords(t *testing.T) {
	for _, width := range []string{"", "60", "200"} {
		t.Setenv("COLUMNS", width)
		limit := 80
		for _, command := range []string{"", "run", "routes", "new", "serve", "status", "reload", "version"} {
			out, _, code := output(t, ".", append(strings.Fields(command), "--help")...)
			require.Equal(t, 0, code)
			for line := range strings.Lines(out) {
				require.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), limit, "%s: %s", command, line)
			}
		}
	}
	require.Equal(t, "one two\nthree\n\n  as it is  here\nfour", wrap("one\ntwo three\n\n  as it is  here\nfour\n", 8))
}

func TestACommandThatIsNearlyOneIsSuggested(t *testing.T) {
	for typed, meant := range map[string]string{"runn": "run", "rnu": "run", "serv": "serve", "statsu": "status", "relaod": "reload"} {
		_, problem, code := output(t, ".", typed)
		require.Equal(t, 64, code)
		require.Contains(t, problem, fmt.Sprintf("there is no command %q: did you mean %q? zeug --help lists them", typed, meant))
	}
	_, problem, _ := output(t, ".", "elsewhere")
	require.NotContains(t, problem, "did you mean")
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
	out, _, _ := output(t, "../..", "__complete", "run", "")
	require.Contains(t, out, "./examples/hello", "packages that are programs")
}

func TestReloadWaitsForTheNewProcess(t *testing.T) {
	dir := begun(t)
	text, err := os.ReadFile(filepath.Join(dir, "main.go"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), bytes.Replace(text, []byte("serving.Options{"), []byte(`serving.Options{PIDFile: "pid", `), 1), 0o600))
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
	now, err := serverOf(pidFile)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(now, syscall.SIGTERM))
	require.Eventually(t, func() bool { return procstate.Ended(now) }, 20*time.Second, 10*time.Millisecond)
}
