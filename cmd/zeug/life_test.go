//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/serving"
)

func TestReloadLeavesAStrangerAlone(t *testing.T) {
	dir := t.TempDir()
	// By now the process number belongs to a program that SIGHUP would end.
	stranger := exec.Command("cat")
	in, err := stranger.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, stranger.Start())
	pid := strconv.Itoa(stranger.Process.Pid)
	write(t, dir, "server.pid", pid+"\n")
	for _, command := range []string{"reload", "status"} {
		_, problem, code := output(t, dir, command, "server.pid")
		require.Equal(t, 1, code)
		require.Contains(t, problem, "server.pid is left over: process "+pid+", which it names, is not the server any more")
	}
	in.Close()
	require.NoError(t, stranger.Wait(), "it got no signal")
}

// holding is a script that holds a PID file as a server does, and ends at SIGHUP.
const holding = `import fcntl, os, signal, sys
f = open("server.pid", "w")
fcntl.lockf(f, fcntl.LOCK_EX)
f.write("%d\n" % os.getpid())
f.flush()
print("holds", flush=True)
signal.pause()
`

func TestReloadNoticesThatTheServerIsGone(t *testing.T) {
	dir := t.TempDir()
	server := exec.Command("python3", "-c", holding)
	server.Dir = dir
	out, err := server.StdoutPipe()
	require.NoError(t, err)
	if err := server.Start(); err != nil {
		require.Empty(t, os.Getenv("CI"), "python3 is not installed")
		t.Skip("python3 is not installed")
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	began := time.Now()
	_, problem, code := output(t, dir, "reload", "server.pid")
	require.Equal(t, 1, code)
	require.Contains(t, problem, "process "+strconv.Itoa(server.Process.Pid)+" has ended, and no process has taken over")
	require.Less(t, time.Since(began), 30*time.Second, "it does not wait for the whole time")
	<-ended
}

func TestServeRefusesWhatARunningServerHolds(t *testing.T) {
	dir := flaskProject(t)
	first := serves(t, dir, "-w", "1", "--pid", "zeug.pid", "flask_app:app")
	pid := strconv.Itoa(first.Process.Pid)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"the PID file":       {[]string{"--pid", "zeug.pid"}, "zeug.pid is the PID file of process " + pid + ", which runs: stop it, or name another file by --pid"},
		"the control socket": {[]string{"--control", "zeug.control"}, "zeug.control is the control socket of process " + pid},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem, code := output(t, dir, append([]string{"serve", "--python", withFlask(t), "-b", "127.0.0.1:0", "-w", "1", "flask_app:app"}, c.args...)...)
			require.Equal(t, 69, code, problem)
			require.Contains(t, problem, c.says)
			now, err := serverOf(filepath.Join(dir, "zeug.pid"))
			require.NoError(t, err)
			require.Equal(t, first.Process.Pid, now)
			out, problem, code := first.command("status", "zeug.pid")
			require.Equal(t, 0, code, problem)
			require.Contains(t, out, "process "+pid+",")
		})
	}
}

func TestABrokenApplicationAtSIGUSR2KeepsTheSocket(t *testing.T) {
	dir := flaskProject(t)
	path := filepath.Join(t.TempDir(), "s")
	p := serves(t, dir, "-w", "1", "-b", "unix:"+path, "flask_app:app")
	ask := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	write(t, dir, "flask_app.py", strings.Replace(flaskApp, "import os", "import nonexistent, os", 1))
	require.NoError(t, p.Process.Signal(syscall.SIGUSR2))
	p.says("the new process did not take over; this one goes on")
	resp, err := ask.Get("http://app/")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, p.Process.Pid, p.status().PID)
}

// The new process takes the control socket when it starts, and is refused the PID
// file before that.
func TestAHandoverThatCannotWriteThePIDFileKeepsTheControlSocket(t *testing.T) {
	dir := flaskProject(t)
	run := filepath.Join(t.TempDir(), "run")
	require.NoError(t, os.Mkdir(run, 0o755))
	p := serves(t, dir, "-w", "1", "--pid", filepath.Join(run, "zeug.pid"), "--control", filepath.Join(dir, "zeug.control"), "flask_app:app")
	require.NoError(t, os.Rename(run, run+".moved"))
	require.NoError(t, p.Process.Signal(syscall.SIGUSR2))
	p.says("the new process did not take over; this one goes on")
	require.Equal(t, "one", p.get("/"))
	out, problem, code := p.command("status", filepath.Join(dir, "zeug.control"))
	require.Equal(t, 0, code, problem)
	require.Contains(t, out, "process "+strconv.Itoa(p.Process.Pid)+",")
}

func TestAStartThatMayPassExits75(t *testing.T) {
	dir := t.TempDir()
	python := withFlask(t)
	write(t, dir, "slow.py", "import time\ntime.sleep(60)\n")
	write(t, dir, "killed.py", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n")
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"an import that takes too long":             {[]string{"slow", "--start-timeout", "0.3"}, "zeug: the import took too long: slow was not imported within 300ms (--start-timeout): --start-timeout gives it longer\n"},
		"with --preload":                            {[]string{"slow", "--start-timeout", "0.3", "--preload"}, "(--start-timeout): --start-timeout gives it longer\n"},
		"a worker that is killed while it imports":  {[]string{"killed"}, "zeug: a worker ended before it was ready: signal: killed\n"},
		"the one that forks workers is killed then": {[]string{"killed", "--preload"}, "zeug: a worker ended before it was ready: signal: killed\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, problem, code := output(t, dir, append([]string{"serve", "--python", python, "--control", "off", "-b", "127.0.0.1:0", "-w", "1"}, c.args...)...)
			require.Contains(t, problem, c.says)
			require.Equal(t, 75, code, problem)
		})
	}
}

func TestErrorsNameFlags(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{serving.ErrCut.Error(), "--drain-timeout gives them longer"},
		{"serving: Options.PIDFile cannot be written", "--pid cannot be written"},
		{"wsgi: Config.Dir is x", "--dir is x"},
		{"wsgi: name an interpreter as Config.Python", "name an interpreter as --python"},
		{"longer than Config.SpoolChunked, Options.MaxConnections", "longer than --spool, --max-connections"},
	} {
		err := errors.New(c.said)
		require.Contains(t, inFlags(err).Error(), c.want)
		require.ErrorIs(t, inFlags(err), err)
	}
	_, problem, code := output(t, flaskProject(t), "serve", "--python", withFlask(t), "--control", "off", "-b", "127.0.0.1:0", "-w", "1", "--pid", "none/pid", "flask_app:app")
	require.Equal(t, 78, code)
	require.Contains(t, problem, "zeug: --pid cannot be written")
}

// Every flag that an error may name exists.
func TestFieldsHaveFlags(t *testing.T) {
	cmd := newServe()
	for _, name := range otherNames {
		if strings.HasPrefix(name, "--") {
			require.NotNil(t, cmd.Flags().Lookup(name[2:]), name)
		}
	}
	for _, field := range []string{"Options.DrainTimeout", "Options.DrainDelay", "Options.HeaderTimeout", "Options.StallTimeout", "Options.MaxHeader",
		"Options.MaxConnections", "Options.Health", "Options.Ready", "Options.SocketMode", "Options.Watch", "Options.Exclude", "Options.Poll",
		"Config.StartTimeout", "Config.QueueTimeout", "Config.MaxQueue", "Config.Workers", "Config.Threads", "Config.MaxRequests",
		"Config.MaxRequestsJitter", "Config.MaxLifetime", "Config.MaxMemory", "Config.Preload", "Config.Dir", "Config.Python", "Config.Env"} {
		flag := inFlags(errors.New(field)).Error()
		require.NotNil(t, cmd.Flags().Lookup(strings.TrimPrefix(flag, "--")), "%s as %s", field, flag)
	}
}

func TestSIGTTINAndSIGTTOUChangeTheNumberOfWorkers(t *testing.T) {
	dir := flaskProject(t)
	p := serves(t, dir, "-w", "1", "flask_app:app")
	serving := func() (n int) {
		for _, w := range p.status().Workers {
			if !w.Leaving {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		signal syscall.Signal
		says   string
		want   int
	}{{syscall.SIGTTIN, `"workers":2`, 2}, {syscall.SIGTTIN, `"workers":3`, 3}, {syscall.SIGTTOU, `"signal":"stopped (tty output)","workers":2`, 2}, {syscall.SIGTTOU, `"workers":1`, 1}} {
		require.NoError(t, p.Process.Signal(c.signal))
		p.says(c.says)
		require.Equal(t, c.want, serving())
		require.Equal(t, "one", p.get("/"))
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTTOU), "the last one stays")
	require.Equal(t, "one", p.get("/"))
	require.NoError(t, p.Process.Signal(syscall.SIGTTIN))
	require.Eventually(t, func() bool { return serving() == 2 }, time.Minute, 20*time.Millisecond)
	out, problem, code := p.command("reload", strconv.Itoa(p.Process.Pid))
	require.Equal(t, 0, code, problem)
	require.Equal(t, "the workers are replaced\n", out)
	require.Equal(t, 2, serving(), "a reload keeps the number")
	require.Zero(t, p.status().Crashed)
}
