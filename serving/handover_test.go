//go:build unix

package serving_test

import (
	"context"
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

	"github.com/zeugkit/zeug/internal/procstate"
)

// release is a program on disk that a newer release can replace.
type release struct{ path, dir string }

// released makes a separate program from the test's own executable.
func released(t *testing.T) release {
	t.Helper()
	if testing.Short() {
		t.Skip("several processes")
	}
	dir := t.TempDir()
	r := release{filepath.Join(dir, "program"), dir}
	require.NoError(t, os.Symlink(os.Args[0], r.path))
	return r
}

// replace installs a newer release: a script.
func (r release) replace(t *testing.T, script string) {
	t.Helper()
	next := r.path + ".next"
	script = "#!/bin/sh\n" + strings.ReplaceAll(script, "PROGRAM", os.Args[0]) + "\n"
	writeScript(t, next, script)
	require.NoError(t, os.Rename(next, r.path))
}

// writeScript writes an executable script. No process may be started meanwhile: until that process executes
// its own program, it holds a copy of the open file, and the system executes no file that is open for writing.
func writeScript(t *testing.T, name, script string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(name, []byte(script), 0o700))
}

// at returns a client of the unix socket.
func at(path string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return net.Dial("unix", path)
		},
	}}
}

// gone waits for the end of a process that is not a child of the test. The process that inherits
// the zombie, such as the first process of a container, may take seconds to collect it.
func gone(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		return procstate.Ended(pid)
	}, time.Minute, 5*time.Millisecond, "process %d ends", pid)
}

func TestAFailedHandoverKeepsTheSocketAndThePIDFile(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"Start returns an error":                   "TEST_HOOKS=fail exec PROGRAM",
		"the PID file cannot be written":           "TEST_PID_FILE=/nonexistent/pid exec PROGRAM",
		"the release listens elsewhere, and fails": "TEST_SERVE_AT=127.0.0.1:0 TEST_HOOKS=fail exec PROGRAM",
		"the release also listens where it cannot": "TEST_LISTEN=127.0.0.1 exec PROGRAM",
		"HTTP/3 cannot start":                      "TEST_HTTP3=fail exec PROGRAM",
		"the release ends":                         "exit 3",
	} {
		t.Run(name, func(t *testing.T) {
			r := released(t)
			path, pidFile := filepath.Join(r.dir, "s"), filepath.Join(r.dir, "pid")
			p := launch(t, exec.Command(r.path), "unix:"+path, "TEST_PID_FILE="+pidFile)
			p.record(t, "running")
			r.replace(t, script)
			for range 2 {
				require.NoError(t, p.Process.Signal(syscall.SIGHUP))
				p.record(t, "the new process did not take over; this one goes on")
				require.Equal(t, strconv.Itoa(p.Process.Pid), get(t, at(path), "http://app/"))
				said, err := os.ReadFile(pidFile)
				require.NoError(t, err)
				require.Equal(t, strconv.Itoa(p.Process.Pid)+"\n", string(said))
			}
			require.NoError(t, p.Process.Signal(syscall.SIGTERM))
			require.NoError(t, p.Wait())
			require.NoFileExists(t, path, "the process that serves removes it")
			require.NoFileExists(t, pidFile)
		})
	}
}

func TestAReleaseThatListensElsewhereLeavesTheSocketToTheOlderOne(t *testing.T) {
	t.Parallel()
	r := released(t)
	before, after := filepath.Join(r.dir, "before"), filepath.Join(r.dir, "after")
	p := launch(t, exec.Command(r.path), "unix:"+before)
	p.record(t, "running")
	answered := make(chan string, 1)
	go func() { answered <- get(t, at(before), "http://app/?sleep=300ms") }()
	p.record(t, "sleeping")
	r.replace(t, "TEST_SERVE_AT=unix:"+after+" exec PROGRAM")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	next := int(p.record(t, "the new process has taken over")["pid"].(float64))
	require.Equal(t, strconv.Itoa(p.Process.Pid), <-answered)
	require.NoError(t, p.Wait())
	require.NoFileExists(t, before)
	require.Equal(t, strconv.Itoa(next), get(t, at(after), "http://app/"))
	require.NoError(t, syscall.Kill(next, syscall.SIGTERM))
	gone(t, next)
	require.NoFileExists(t, after)
}

func TestAnotherProgramsSocketStays(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	p := launch(t, own(), "unix:"+path)
	p.record(t, "running")
	require.NoError(t, os.Remove(path))
	other, err := net.Listen("unix", path)
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait())
	require.FileExists(t, path)
}

func TestSystemdsUnixSocketStaysAfterHandovers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("several processes")
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	defer l.Close()
	p := activated(t, "unix:/not/used", l)
	p.record(t, "running")
	pid := p.Process.Pid
	for range 2 {
		require.NoError(t, syscall.Kill(pid, syscall.SIGHUP))
		pid = int(p.record(t, "the new process has taken over")["pid"].(float64))
		require.FileExists(t, path)
	}
	require.NoError(t, p.Wait())
	require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
	gone(t, pid)
	require.FileExists(t, path)
}

func TestSocketsOfEveryNameAreHandedOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		listen  []string
		release string // the settings of the newer release
	}{
		"a comma in the path":        {listen: []string{"unix:DIR/a,5=b"}},
		"a percent sign in the path": {listen: []string{"unix:DIR/a%2Cb%"}},
		"two free ports":             {listen: []string{"127.0.0.1:0", "127.0.0.1:0"}},
		"a path spelled another way": {listen: []string{"unix:DIR/s"}, release: "TEST_SERVE_AT=unix://DIR/s"},
		"another protocol":           {listen: []string{"scgi://unix:DIR/s"}, release: "TEST_SERVE_AT=fastcgi://DIR/s"},
	} {
		t.Run(name, func(t *testing.T) {
			r := released(t)
			var addrs []string
			for _, addr := range c.listen {
				addrs = append(addrs, strings.ReplaceAll(addr, "DIR", r.dir))
			}
			p := launch(t, exec.Command(r.path), addrs[0], "TEST_LISTEN="+strings.Join(addrs[1:], " "))
			var before []string
			for range addrs {
				before = append(before, p.address(t))
			}
			r.replace(t, strings.ReplaceAll(c.release, "DIR", r.dir)+" exec PROGRAM")
			require.NoError(t, p.Process.Signal(syscall.SIGHUP))
			for i := range addrs {
				require.Equal(t, before[i], p.address(t))
			}
			next := int(p.record(t, "the new process has taken over")["pid"].(float64))
			require.NoError(t, p.Wait())
			require.NoError(t, syscall.Kill(next, syscall.SIGTERM))
			gone(t, next)
		})
	}
}

func TestTwoSignalsToAnIdleServerExit0(t *testing.T) {
	t.Parallel()
	for range 12 {
		p := launch(t, own(), "127.0.0.1:0", "TEST_LISTEN=fastcgi://127.0.0.1:0")
		p.record(t, "running")
		p.record(t, "running")
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		p.record(t, "stopping")
		require.NoError(t, p.Process.Signal(syscall.SIGTERM))
		require.NoError(t, p.Wait())
	}
}

func TestSIGTERMDuringAHandoverEndsBothProcesses(t *testing.T) {
	t.Parallel()
	r := released(t)
	newer := filepath.Join(r.dir, "newer")
	p := launch(t, exec.Command(r.path), "127.0.0.1:0")
	addr := p.address(t)
	r.replace(t, "echo $$ > "+newer+".new; mv "+newer+".new "+newer+"; exec sleep 60")
	answered := make(chan string, 1)
	go func() { answered <- get(t, http.DefaultClient, "http://"+addr+"/?sleep=1s") }()
	p.record(t, "sleeping")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { _, err := os.Stat(newer); return err == nil }, time.Minute, 5*time.Millisecond)
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Equal(t, strconv.Itoa(p.Process.Pid), <-answered, "one signal cuts nothing")
	require.NoError(t, p.Wait())
	said, err := os.ReadFile(newer)
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(said)))
	require.NoError(t, err)
	gone(t, pid)
}

func TestOneSIGTERMAfterAHandoverCutsNothing(t *testing.T) {
	t.Parallel()
	r := released(t)
	p := launch(t, exec.Command(r.path), "127.0.0.1:0")
	addr := p.address(t)
	answered := make(chan string, 1)
	go func() { answered <- get(t, http.DefaultClient, "http://"+addr+"/?sleep=1s") }()
	p.record(t, "sleeping")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	next := int(p.record(t, "the new process has taken over")["pid"].(float64))
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Equal(t, strconv.Itoa(p.Process.Pid), <-answered)
	require.NoError(t, p.Wait())
	require.NoError(t, syscall.Kill(next, syscall.SIGTERM))
	gone(t, next)
}

func TestASecondSIGHUPDuringAHandoverThatFailsStartsAnother(t *testing.T) {
	t.Parallel()
	r := released(t)
	p := launch(t, exec.Command(r.path), "127.0.0.1:0")
	addr := p.address(t)
	begun := filepath.Join(r.dir, "begun")
	r.replace(t, "touch "+begun+"; while [ -e "+begun+" ]; do sleep 0.02; done; exit 3")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.Eventually(t, func() bool { _, err := os.Stat(begun); return err == nil }, time.Minute, 5*time.Millisecond)
	r.replace(t, "exec PROGRAM")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.Equal(t, strconv.Itoa(p.Process.Pid), get(t, http.DefaultClient, "http://"+addr), "the signal has arrived")
	require.NoError(t, os.Remove(begun))
	p.record(t, "the new process did not take over; this one goes on")
	next := int(p.record(t, "the new process has taken over")["pid"].(float64))
	http.DefaultClient.CloseIdleConnections()
	require.NoError(t, p.Wait())
	require.NoError(t, syscall.Kill(next, syscall.SIGTERM))
	gone(t, next)
}

func TestAPIDFileOfARunningServerIsRefused(t *testing.T) {
	t.Parallel()
	pidFile := filepath.Join(t.TempDir(), "pid")
	p := launch(t, own(), "127.0.0.1:0", "TEST_PID_FILE="+pidFile)
	p.record(t, "running")
	second := own()
	second.Env = append(os.Environ(), "TEST_SERVE_AT=127.0.0.1:0", "TEST_PID_FILE="+pidFile)
	out, err := second.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), pidFile+" is the PID file of process "+strconv.Itoa(p.Process.Pid)+", which runs")
	require.Equal(t, 69, second.ProcessState.ExitCode())
	said, err := os.ReadFile(pidFile)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(p.Process.Pid)+"\n", string(said))

	// If a killed process has left a file, it is replaced.
	require.NoError(t, p.Process.Kill())
	p.Wait()
	require.FileExists(t, pidFile)
	p = launch(t, own(), "127.0.0.1:0", "TEST_PID_FILE="+pidFile)
	p.record(t, "running")
	said, err = os.ReadFile(pidFile)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(p.Process.Pid)+"\n", string(said))
}
