//go:build unix

package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/procstate"
)

const flaskApp = `import os, time
from flask import Flask, redirect, render_template, request

app = Flask(__name__)
WORD = "one"

@app.route("/")
def index():
    return WORD

@app.route("/page")
def page():
    return render_template("page.html", word=WORD)

@app.route("/pid")
def pid():
    return str(os.getpid())

@app.route("/slow")
def slow():
    with open("begun", "w"):
        pass
    while not os.path.exists("go"):
        time.sleep(0.01)
    return "done"

@app.route("/who")
def who():
    return request.url + " " + request.remote_addr

def create_app(name, debug=True):
    made = Flask(name)
    made.route("/")(lambda: "%s %s" % (name, debug))
    return made

async def asgi(scope, receive, send):
    pass
`

// hasFlask returns an interpreter that has Flask: the interpreter itself, not a script that finds
// one.
var hasFlask = sync.OnceValue(func() string {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.Command(name, "-c", "import flask, sys; print(sys.executable)").Output()
		if err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
})

// withFlask returns that interpreter. Without one the test cannot be made, which CI
// does not allow.
func withFlask(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("several processes")
	}
	python := hasFlask()
	if python == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no Python has Flask: install python3-flask")
		}
		t.Skip("no Python has Flask: install python3-flask")
	}
	return python
}

// flaskProject is a folder with an application.
func flaskProject(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "flask_app.py", flaskApp)
	write(t, dir, "templates/page.html", "<!doctype html>\n<title>t</title>\n<p>{{ word }}</p>\n")
	write(t, dir, "static/style.css", "p { color: red }\n")
	return dir
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file+".new", []byte(text), 0o644))
	require.NoError(t, os.Rename(file+".new", file))
}

// pythonProcess is a running "zeug serve", and its output.
type pythonProcess struct {
	*exec.Cmd
	t       *testing.T
	url     string
	log     *lines
	runtime string // XDG_RUNTIME_DIR
	ended   chan struct{}
	err     error
}

// serves starts the command and waits until it serves. Its folder of sockets is its
// own.
func serves(t *testing.T, dir string, args ...string) *pythonProcess {
	t.Helper()
	p := &pythonProcess{t: t, log: &lines{}, runtime: t.TempDir(), ended: make(chan struct{})}
	p.Cmd = zeug(dir, append([]string{"serve", "--python", withFlask(t), "-b", "127.0.0.1:0"}, args...)...)
	p.Env = append(p.Env, "XDG_RUNTIME_DIR="+p.runtime)
	// A process that takes over has the same pipe, so the test does not wait for it.
	stderr, in, err := os.Pipe()
	require.NoError(t, err)
	p.Stderr = in
	require.NoError(t, p.Start())
	in.Close()
	t.Cleanup(func() { stderr.Close() })
	running := make(chan string, 10)
	go func() {
		for scanner := bufio.NewScanner(stderr); scanner.Scan(); {
			fmt.Fprintln(p.log, scanner.Text())
			var record struct{ Msg, URL string }
			if json.Unmarshal(scanner.Bytes(), &record) == nil && record.Msg == "running" {
				running <- record.URL
			}
		}
	}()
	go func() {
		p.err = p.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(20 * time.Second):
			p.Process.Kill()
		}
		if t.Failed() {
			t.Log(p.log.String())
		}
	})
	select {
	case p.url = <-running:
	case <-p.ended:
		t.Fatalf("it ended: %v\n%s", p.err, p.log)
	case <-time.After(time.Minute):
		t.Fatalf("it does not serve\n%s", p.log)
	}
	return p
}

var insecure = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}

func (p *pythonProcess) ask(path string, header ...string) (*http.Response, string, error) {
	r, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	require.NoError(p.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := insecure.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

func (p *pythonProcess) get(path string, header ...string) string {
	p.t.Helper()
	resp, body, err := p.ask(path, header...)
	require.NoError(p.t, err, "%s", p.log)
	require.Equal(p.t, http.StatusOK, resp.StatusCode, "%s\n%s", body, p.log)
	return body
}

// becomes waits until a response contains a string.
func (p *pythonProcess) becomes(path, want string, header ...string) {
	p.t.Helper()
	var body string
	require.Eventually(p.t, func() bool {
		_, text, err := p.ask(path, header...)
		body = text
		return err == nil && strings.Contains(text, want)
	}, time.Minute, 20*time.Millisecond, "%s has no %q: %s\n%s", path, want, &body, p.log)
}

func (p *pythonProcess) says(want string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return strings.Contains(p.log.String(), want) }, time.Minute, 10*time.Millisecond, "%s", p.log)
}

// command runs another command of the same user.
func (p *pythonProcess) command(args ...string) (stdout, stderr string, code int) {
	var out, problem bytes.Buffer
	cmd := zeug(p.Dir, args...)
	cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR="+p.runtime)
	cmd.Stdout, cmd.Stderr = &out, &problem
	cmd.Run()
	return out.String(), problem.String(), cmd.ProcessState.ExitCode()
}

func (p *pythonProcess) status() serverStatus {
	p.t.Helper()
	out, problem, code := p.command("status", "--json", strconv.Itoa(p.Process.Pid))
	require.Equal(p.t, 0, code, problem)
	var servers []serverStatus
	require.NoError(p.t, json.Unmarshal([]byte(out), &servers))
	require.Len(p.t, servers, 1)
	return servers[0]
}

// load sends requests with several clients until done is called. done returns
// how many were answered; any status but 200 fails the test.
func (p *pythonProcess) load(path string) (answered *atomic.Int64, done func()) {
	answered = &atomic.Int64{}
	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for !stop.Load() {
				resp, body, err := p.ask(path)
				if err != nil || resp.StatusCode != http.StatusOK {
					p.t.Errorf("%v %v %s", err, resp, body)
					return
				}
				answered.Add(1)
			}
		})
	}
	return answered, func() {
		stop.Store(true)
		clients.Wait()
	}
}

func TestServeReplacesItsWorkersUnderLoad(t *testing.T) {
	dir := flaskProject(t)
	p := serves(t, dir, "-w", "2", "--threads", "2", "--access-log", "off", "flask_app:app")
	require.Equal(t, "one", p.get("/"))
	answered, done := p.load("/")
	for n := range 5 {
		write(t, dir, "flask_app.py", strings.Replace(flaskApp, `"one"`, fmt.Sprintf(`"load %d"`, n), 1))
		before := answered.Load()
		if n%2 == 0 {
			out, problem, code := p.command("reload", strconv.Itoa(p.Process.Pid))
			require.Equal(t, 0, code, problem)
			require.Equal(t, "the workers are replaced\n", out)
			require.Equal(t, fmt.Sprintf("load %d", n), p.get("/"), "as soon as the command returns")
		} else {
			require.NoError(t, p.Process.Signal(syscall.SIGHUP))
			p.becomes("/", fmt.Sprintf("load %d", n))
		}
		require.Eventually(t, func() bool { return answered.Load() > before+20 }, time.Minute, time.Millisecond)
	}
	done()
	s := p.status()
	require.Equal(t, 5, s.Reloads)
	require.Equal(t, p.Process.Pid, s.PID)
	require.Zero(t, s.Crashed)
	t.Logf("%d requests, none lost, during five reloads", answered.Load())

	t.Run("broken code keeps the old workers", func(t *testing.T) {
		write(t, dir, "flask_app.py", flaskApp+"\ndef broken(:\n")
		_, problem, code := p.command("reload", strconv.Itoa(p.Process.Pid))
		require.Equal(t, 1, code)
		require.Contains(t, problem, "SyntaxError")
		require.Contains(t, problem, `flask_app.py", line`)
		require.Equal(t, "load 4", p.get("/"))
		require.NoError(t, p.Process.Signal(syscall.SIGHUP))
		p.says("what SIGHUP asked for failed; the server goes on as before")
		p.says("SyntaxError")
		require.Equal(t, "load 4", p.get("/"))
		write(t, dir, "flask_app.py", flaskApp)
		require.NoError(t, p.Process.Signal(syscall.SIGHUP))
		p.becomes("/", "one")
	})

	t.Run("a worker that is killed is replaced", func(t *testing.T) {
		pid, err := strconv.Atoi(p.get("/pid"))
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		require.Eventually(t, func() bool {
			s := p.status()
			return s.Crashed == 1 && len(s.Workers) == 2 && !slices.ContainsFunc(s.Workers, func(w workerStatus) bool { return w.Leaving })
		}, time.Minute, 20*time.Millisecond)
		require.Equal(t, "one", p.get("/"))
	})

	t.Run("the status is a table", func(t *testing.T) {
		out, problem, code := p.command("status")
		require.Equal(t, 0, code, problem)
		require.Regexp(t, `^flask_app:app in \S+, at http://127\.0\.0\.1:\d+\nprocess \d+, \d+ M, up \S+, reloaded 6 times\n\d+ requests, 0 waiting; workers: \d+ started, 1 crashed, 0 timed out, 0 recycled\n\n`+
			` *WORKER +PID +AGE +REQUESTS +BUSY +MEMORY\s*\n( +\d+ +\d+ +\S+ +\d+ +\d of 2 +\d+ M\s*\n){2}`, out)
		socket := filepath.Join(p.runtime, "zeug", fmt.Sprint(p.Process.Pid, ".control"))
		info, err := os.Stat(socket)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		info, err = os.Stat(filepath.Dir(socket))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
		resp, _, err := p.ask("/status")
		require.NoError(t, err)
		require.Equal(t, http.StatusNotFound, resp.StatusCode, "nothing of it is public")
	})
}

func TestServeDrains(t *testing.T) {
	dir := flaskProject(t)
	begin := func(p *pythonProcess) chan string {
		answer := make(chan string, 1)
		go func() {
			_, body, err := p.ask("/slow")
			answer <- fmt.Sprint(body, err)
		}()
		require.Eventually(t, func() bool { return os.Remove(filepath.Join(dir, "begun")) == nil }, time.Minute, 5*time.Millisecond)
		return answer
	}
	t.Run("at SIGTERM, and ends with 0", func(t *testing.T) {
		pidFile := filepath.Join(dir, "zeug.pid")
		p := serves(t, dir, "-w", "1", "--pid", pidFile, "--drain-timeout", "50", "flask_app")
		require.FileExists(t, filepath.Join(dir, "zeug.control"))
		require.Equal(t, 1, p.status().Workers[0].Number)
		answer := begin(p)
		worker := p.status().Workers[0]
		require.Equal(t, 1, worker.Busy)
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		p.says(`"stopping"`)
		write(t, dir, "go", "")
		require.Equal(t, "done<nil>", <-answer)
		<-p.ended
		require.NoError(t, p.err)
		require.NoFileExists(t, pidFile)
		require.NoFileExists(t, filepath.Join(dir, "zeug.control"))
		left, err := os.ReadDir(filepath.Join(p.runtime, "zeug"))
		require.NoError(t, err)
		require.Empty(t, left)
		require.True(t, procstate.Ended(worker.PID), "the workers have ended before")
	})
	t.Run("not at a second signal, and ends with 75", func(t *testing.T) {
		os.Remove(filepath.Join(dir, "go"))
		p := serves(t, dir, "-w", "1", "flask_app")
		answer := begin(p)
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		p.says(`"stopping"`)
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		require.Contains(t, <-answer, "EOF")
		<-p.ended
		require.Equal(t, 75, p.ProcessState.ExitCode(), "%s", p.log)
	})
}

func TestServeHandsOverAtSIGUSR2(t *testing.T) {
	dir := flaskProject(t)
	p := serves(t, dir, "-w", "1", "--access-log", "off", "--pid", "zeug.pid", "flask_app:app")
	answered, done := p.load("/")
	require.NoError(t, p.Process.Signal(syscall.SIGUSR2))
	p.says("the new process has taken over")
	<-p.ended
	require.NoError(t, p.err)
	before := answered.Load()
	require.Eventually(t, func() bool { return answered.Load() > before+20 }, time.Minute, time.Millisecond)
	done()
	now, err := serverOf(filepath.Join(dir, "zeug.pid"))
	require.NoError(t, err)
	require.NotEqual(t, p.Process.Pid, now)
	out, problem, code := p.command("status", "zeug.pid")
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, fmt.Sprintf("process %d,", now), "the new server has the socket beside the PID file")
	require.NoError(t, syscall.Kill(now, syscall.SIGTERM))
	require.Eventually(t, func() bool { return procstate.Ended(now) }, time.Minute, 10*time.Millisecond)
	require.NoFileExists(t, filepath.Join(dir, "zeug.control"))
}

func TestServeFollowsItsFiles(t *testing.T) {
	dir := flaskProject(t)
	navigation := []string{"Accept", "text/html", "Sec-Fetch-Dest", "document"}
	p := serves(t, dir, "--reload", "--static", "/static=static", "flask_app:app")
	p.becomes("/page", "<p>one</p>", navigation...)
	require.Contains(t, p.get("/page", navigation...), "/.zeug/live.js", "pages load themselves again")

	write(t, dir, "flask_app.py", strings.Replace(flaskApp, `"one"`, `"two"`, 1))
	p.becomes("/page", "<p>two</p>", navigation...)
	write(t, dir, "templates/page.html", "<!doctype html>\n<title>t</title>\n<p>the {{ word }}</p>\n")
	p.becomes("/page", "<p>the two</p>", navigation...)

	write(t, dir, "flask_app.py", flaskApp+"\nraise RuntimeError('no database')\n")
	p.becomes("/page", "RuntimeError: no database", navigation...)
	_, body, err := p.ask("/page", navigation...)
	require.NoError(t, err)
	require.Contains(t, body, "<h2>flask_app.py:", "the place in the source")
	write(t, dir, "flask_app.py", flaskApp)
	p.becomes("/page", "<p>the one</p>", navigation...)

	seen := strings.Count(p.log.String(), "detected change")
	write(t, dir, "static/style.css", "p { color: blue }\n")
	write(t, dir, "data.sqlite", "")
	p.becomes("/static/style.css", "blue")
	require.Equal(t, seen, strings.Count(p.log.String(), "detected change"), "what a page merely shows restarts nothing")
}

func TestServeFront(t *testing.T) {
	dir := flaskProject(t)
	socket := filepath.Join(t.TempDir(), "s")
	log := filepath.Join(dir, "access.log")
	p := serves(t, dir, "-w", "1", "--cert", "adhoc", "-b", "unix:"+socket, "--socket-mode", "600", "--static", "/static=static",
		"--access-log", log, "--proxies", "127.0.0.1", "--proxy-headers", "for,proto,host", "--max-body", "1K", "--health", "/live", "--ready", "/ready",
		"-e", "GREETING=hi", "flask_app:create_app('made', debug=False)")
	require.Equal(t, "made False", p.get("/"))
	resp, _, err := p.ask("/")
	require.NoError(t, err)
	require.Equal(t, "HTTP/2.0", resp.Proto)
	require.Equal(t, "p { color: red }\n", p.get("/static/style.css", "X-Forwarded-For", "192.0.2.7"))
	require.Equal(t, "ok\n", p.get("/live"))
	require.Equal(t, "ok\n", p.get("/ready"))
	info, err := os.Stat(socket)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	large, err := insecure.Post(p.url+"/", "text/plain", strings.NewReader(strings.Repeat("x", 2000)))
	require.NoError(t, err)
	large.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, large.StatusCode)

	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), `192.0.2.7 - - [`) && strings.Contains(string(text), `"GET /static/style.css HTTP/2.0" 200 17`)
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, os.Rename(log, log+".1"))
	require.NoError(t, p.Process.Signal(syscall.SIGUSR1))
	require.Eventually(t, func() bool { _, err := os.Stat(log); return err == nil }, time.Minute, 10*time.Millisecond)
	p.get("/")
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(log)
		return strings.Contains(string(text), `"GET / HTTP/2.0" 200`)
	}, time.Minute, 10*time.Millisecond)
}

func TestServeBelievesProxiesOnlyAsFarAsItIsTold(t *testing.T) {
	dir := flaskProject(t)
	forged := []string{"X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nobody":          {nil, `^http://127\.0\.0\.1:\d+/who 127\.0\.0\.1$`},
		"one proxy":       {[]string{"--proxies", "1"}, `^https://127\.0\.0\.1:\d+/who 192\.0\.2\.7$`},
		"with the host":   {[]string{"--proxies", "1", "--proxy-headers", "for,proto,host"}, `^https://evil\.example/who 192\.0\.2\.7$`},
		"another network": {[]string{"--proxies", "10.0.0.0/8,unix"}, `^http://127\.0\.0\.1:\d+/who 127\.0\.0\.1$`},
	} {
		t.Run(name, func(t *testing.T) {
			p := serves(t, dir, append([]string{"-w", "1", "flask_app:app"}, c.args...)...)
			require.Regexp(t, c.want, p.get("/who", forged...))
		})
	}
}

func TestServeRefuses(t *testing.T) {
	python := withFlask(t)
	dir := flaskProject(t)
	write(t, dir, "broken.py", "def f():\n    raise RuntimeError('no database')\nf()\n")
	write(t, dir, "wants.py", "import nosuchmodule\n")
	write(t, dir, "nothing.py", "")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	for name, c := range map[string]struct {
		args []string
		says string
		code int
	}{
		"no application":       {nil, "name one application", 64},
		"a file":               {[]string{"./flask_app.py"}, "name the module in it, as in zeug serve flask_app", 64},
		"a path":               {[]string{"a/b:app"}, "begins with no module", 64},
		"workers below 1":      {[]string{"flask_app", "-w", "0"}, "--workers and --threads are 1 or more", 64},
		"a time of no unit":    {[]string{"flask_app", "--timeout", "5x"}, "write seconds, as in 30", 64},
		"a size of no unit":    {[]string{"flask_app", "--max-memory", "5x"}, "write a number of bytes", 64},
		"a key alone":          {[]string{"flask_app", "--key", "k.pem"}, "belong together", 64},
		"a mode of no digits":  {[]string{"flask_app", "--socket-mode", "rw"}, "octal digits", 64},
		"a variable's name":    {[]string{"flask_app", "-e", "NAME"}, "write NAME=value", 64},
		"static without file":  {[]string{"flask_app", "--static", "/static=none"}, "there is no none", 64},
		"static without URL":   {[]string{"flask_app", "--static", "static"}, "as in /static=static", 64},
		"no proxy":             {[]string{"flask_app", "--proxies", "0"}, "use 1 or more", 64},
		"a proxy's name":       {[]string{"flask_app", "--proxies", "nginx"}, "a network such as 10.0.0.0/8", 64},
		"a header of no proxy": {[]string{"flask_app", "--proxies", "1", "--proxy-headers", "x"}, "one of for, proto", 64},
		"both kinds":           {[]string{"flask_app", "--proxies", "1", "--proxy-headers", "for,forwarded"}, "takes the place of for", 64},
		"a PID file and edits": {[]string{"flask_app", "--reload", "--pid", "p"}, "leave --pid out", 64},

		"a module that is not there":   {[]string{"flask_ap:app"}, "zeug: there is no module flask_ap in " + dir + ": name the application as in module:name, and its folder as --dir", 78},
		"a name that is not there":     {[]string{"flask_app:ap"}, "zeug: module 'flask_app' has no attribute 'ap': name the application that flask_app has, as in flask_app:app", 78},
		"a module without application": {[]string{"nothing"}, "zeug: module 'nothing' has neither application nor app", 78},
		"no callable":                  {[]string{"flask_app:WORD"}, "zeug: flask_app:WORD is not a WSGI application: it is a str", 78},
		"an ASGI application":          {[]string{"flask_app:asgi"}, "zeug: flask_app:asgi is an ASGI application, and this is a server for WSGI: serve it by an ASGI server", 78},
		"a folder that is not there":   {[]string{"flask_app", "--dir", "none"}, "which is not a folder", 78},
		"an import that fails":         {[]string{"broken"}, "broken.py\", line 2, in f\n    raise RuntimeError('no database')\nRuntimeError: no database\nzeug: broken cannot be imported, the traceback above says where: RuntimeError: no database\n", 70},
		"a library that is not there":  {[]string{"wants"}, "it wants the module nosuchmodule, which " + python + " does not have: install it there", 70},
		"a port that is taken":         {[]string{"broken", "-b", taken.Addr().String()}, "is in use by another program", 69},
		"a bad address":                {[]string{"broken", "-b", "5000"}, `write "host:port"`, 78},
		"an address of no HTTP":        {[]string{"flask_app", "--reload", "-b", "fastcgi://127.0.0.1:0"}, "serves HTTP alone", 78},
		"a check that fails":           {[]string{"broken", "--check"}, "RuntimeError: no database", 70},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"serve", "--python", python, "--control", "off"}, c.args...)
			if !slices.Contains(args, "-b") {
				args = append(args, "-b", "127.0.0.1:0")
			}
			if !slices.Contains(args, "-w") {
				args = append(args, "-w", "1")
			}
			_, problem, code := output(t, dir, args...)
			require.Contains(t, problem, c.says)
			require.Equal(t, c.code, code)
		})
	}
	out, problem, code := output(t, dir, "serve", "--python", python, "--check", "flask_app:app")
	require.Equal(t, 0, code, problem)
	require.Equal(t, "flask_app:app can be served\n", out)
	_, problem, code = output(t, dir, "serve", "--python", "nosuchpython", "flask_app:app", "-b", "127.0.0.1:0")
	require.Equal(t, 78, code)
	require.Contains(t, problem, "name an interpreter")
}

func TestServeFindsTheVirtualEnvironment(t *testing.T) {
	python := withFlask(t)
	dir := t.TempDir()
	if out, err := exec.Command(python, "-m", "venv", "--without-pip", filepath.Join(dir, ".venv")).CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			require.NoError(t, err, "%s", out)
		}
		t.Skipf("no virtual environment can be made: %s", out)
	}
	write(t, dir, "which.py", "import sys\ndef app(environ, start_response):\n    start_response('200 OK', [])\n    return [sys.prefix.encode()]\n")
	p := serves(t, dir, "--python", "", "-w", "1", "which")
	at, err := filepath.EvalSymlinks(filepath.Join(dir, ".venv"))
	require.NoError(t, err)
	require.Equal(t, at, p.get("/"))
}

func TestStatusOfNobody(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	_, problem, code := output(t, ".", "status")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "runs no zeug serve that can be found")
	_, problem, code = output(t, ".", "status", "4194305")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "4194305 is not a running zeug serve")
	_, problem, code = output(t, ".", "status", "a", "b")
	require.Equal(t, 64, code)
	require.Contains(t, problem, "name one server")
}

func TestAFolderThatOthersMayEnterHoldsNoSocket(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	dir, err := ownFolder()
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err = ownFolder()
	require.ErrorContains(t, err, "is not a folder of this user's alone")
	require.NoError(t, os.Remove(dir))
	require.NoError(t, os.Symlink(t.TempDir(), dir))
	_, err = ownFolder()
	require.ErrorContains(t, err, "is not a folder of this user's alone")
}
