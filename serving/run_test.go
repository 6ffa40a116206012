//go:build unix

package serving_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/freeport"
	"github.com/zeugkit/zeug/internal/http3server"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
)

// The test's own executable is the program that the tests control.
func TestMain(m *testing.M) {
	addr, ok := os.LookupEnv("TEST_SERVE_AT")
	if !ok {
		// If SIGHUP is ignored, for example under nohup, the programs that the
		// tests start would inherit that.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
		// The parallel tests wait, so that more of them may run than there are processors.
		if err := flag.Set("test.parallel", "32"); err != nil {
			panic(err)
		}
		code := m.Run()
		os.RemoveAll(behindFolder)
		os.Exit(code)
	}
	app := middleware.ProxyFix{For: 1, Proto: 1, Host: 1}.Wrap(http.HandlerFunc(driven))
	o := serving.Options{PIDFile: os.Getenv("TEST_PID_FILE"), Listen: strings.Fields(os.Getenv("TEST_LISTEN")), DrainTimeout: 5 * time.Second, PassPanics: os.Getenv("TEST_PASS_PANICS") != "", Debug: os.Getenv("TEST_DEBUG") != ""}
	if os.Getenv("TEST_HTTP3") != "" {
		o.TLS, o.HTTP3 = certs.SelfSigned(), failing{}
	}
	switch os.Getenv("TEST_HOOKS") {
	case "":
	case "fail":
		o.Start = func([]string) error { return errors.New("no database") }
	default:
		started := false
		o.Start = func(urls []string) error { started = len(urls) == 1; return nil }
		hangUps := 0
		o.HangUp = func() error {
			if hangUps++; !started || hangUps > 1 {
				return errors.New("nothing to load")
			}
			slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("loaded anew")
			return nil
		}
	}
	if os.Getenv("TEST_RUN") != "" {
		fmt.Println("after Run:", serving.ExitCode(serving.Run(addr, app, o)))
		return
	}
	serving.MainWith(addr, app, o)
}

// failing is a server for HTTP/3 that cannot start.
type failing struct{}

func (failing) Start(http3server.Config) error { return errors.New("no port for it") }

func (failing) Shutdown(context.Context) error { return nil }

func (failing) Close() error { return nil }

// driven is the application of that program.
func driven(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.URL.Query().Get("sleep")); err == nil {
		slog.New(slog.NewJSONHandler(os.Stderr, nil)).Info("sleeping")
		time.Sleep(d)
	}
	switch r.URL.Path {
	case "/origin":
		o := gateway.OriginOf(r)
		fmt.Fprint(w, o.Scheme, " ", o.Host, " ", o.Client.Addr(), " ", r.RequestURI)
	case "/events":
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 1\n\n")
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case "/panic":
		panic("boom")
	case "/orphan":
		// The shell ends at once, and its child a little later.
		if err := exec.Command("sh", "-c", "sleep 0.05 &").Run(); err != nil {
			panic(err)
		}
	case "/child":
		child := exec.Command("sh", "-c", "exit 3")
		if err := child.Start(); err != nil {
			panic(err)
		}
		time.Sleep(3 * time.Second) // it has ended, but is still a zombie
		fmt.Fprint(w, child.Wait())
	case "/abort":
		panic(http.ErrAbortHandler)
	case "/upgrade":
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		io.Copy(c, rw)
	case "/size":
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			panic(err)
		}
		fmt.Fprint(w, n)
	default:
		fmt.Fprint(w, os.Getpid())
	}
}

// process is a running server, with its messages and those of its successors.
type process struct {
	*exec.Cmd
	records <-chan map[string]any
}

func launch(t *testing.T, cmd *exec.Cmd, addr string, env ...string) *process {
	t.Helper()
	out, in, err := os.Pipe()
	require.NoError(t, err)
	cmd.Env, cmd.Stderr = append(os.Environ(), append(env, "TEST_SERVE_AT="+addr)...), in
	require.NoError(t, cmd.Start())
	in.Close()
	records := make(chan map[string]any, 100)
	go func() {
		defer close(records)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var r map[string]any
			if json.Unmarshal(lines.Bytes(), &r) == nil && r["msg"] != "request" {
				records <- r
			}
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		out.Close()
	})
	return &process{cmd, records}
}

func own() *exec.Cmd { return exec.Command(os.Args[0]) }

// record returns the next record of the log with this message.
func (p *process) record(t *testing.T, message string) map[string]any {
	t.Helper()
	patience := time.After(time.Minute)
	for {
		select {
		case r, ok := <-p.records:
			if !ok {
				t.Fatalf("the process ended without saying %q", message)
			}
			if r["msg"] == message {
				return r
			}
		case <-patience:
			t.Fatalf("the process did not say %q", message)
		}
	}
}

func (p *process) address(t *testing.T) string {
	_, address, _ := strings.Cut(p.record(t, "running")["url"].(string), "://")
	return address
}

func TestRunRefusesAnAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	socket := filepath.Join(t.TempDir(), "s")
	alive, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer alive.Close()
	file := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	for name, c := range map[string]struct {
		addr, says string
		code       int
	}{
		"a port that is taken":        {taken.Addr().String(), "is in use by another program: stop it, or choose another port", 69},
		"an address without port":     {"127.0.0.1", `write "host:port"`, 78},
		"a port that is not a number": {"127.0.0.1:http!", `write "host:port"`, 78},
		"another machine's address":   {"192.0.2.1:0", "is not an address of this machine", 75},
		"a socket that is served":     {"unix:" + socket, "is in use or is not a socket", 69},
		"a file that is not a socket": {"unix:" + file, "is not a socket", 69},
		"a socket in no folder":       {"unix:" + file + "x/s", "does not exist: make it first", 78},
		"a socket without path":       {"unix:", "needs a path", 78},
		"a socket of too long a path": {"unix:/tmp/" + strings.Repeat("x", 200), "choose a shorter one", 78},
		"an invalid descriptor":       {"fd://99", "is not a listening socket", 78},
		"a descriptor without number": {"fd://x", "the number of an open descriptor", 78},
	} {
		t.Run(name, func(t *testing.T) {
			err := serving.Run(c.addr, http.NotFoundHandler(), serving.Options{})
			require.ErrorContains(t, err, c.says)
			require.Equal(t, c.code, serving.ExitCode(err))
			require.NotContains(t, err.Error(), "\n")
		})
	}
	left, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "precious", string(left))
}

func TestSIGTERMFinishesWhatRunsAndExits0(t *testing.T) {
	t.Parallel()
	p := launch(t, own(), "127.0.0.1:0")
	addr := p.address(t)
	answered := make(chan string)
	go func() { answered <- get(t, http.DefaultClient, "http://"+addr+"/?sleep=300ms") }()
	p.record(t, "sleeping")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.Equal(t, strconv.Itoa(p.Process.Pid), <-answered)
	require.NoError(t, p.Wait(), "exit code 0")
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	p := launch(t, own(), "127.0.0.1:0")
	addr := p.address(t)
	go http.Get("http://" + addr + "/?sleep=1m")
	p.record(t, "sleeping")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	p.record(t, "stopping")
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	require.ErrorAs(t, p.Wait(), &exit)
	require.Equal(t, 75, exit.ExitCode())
}

// A crash shows the frames of the application, in which a debugger stops.
func TestPanicsThatArePassedEndTheProcess(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/bin/sh", "-c", `exec "$0" 2>&1 | tee /dev/stderr >&3`, os.Args[0])
	out, in, err := os.Pipe()
	require.NoError(t, err)
	cmd.ExtraFiles = []*os.File{in}
	p := launch(t, cmd, "127.0.0.1:0", "TEST_PASS_PANICS=1")
	in.Close()
	addr := p.address(t)
	_, err = http.Get("http://" + addr + "/abort")
	require.ErrorIs(t, err, io.EOF)
	get(t, http.DefaultClient, "http://"+addr+"/")
	_, err = http.Get("http://" + addr + "/panic")
	require.Error(t, err)
	said, err := io.ReadAll(out)
	require.NoError(t, err)
	require.Contains(t, string(said), "panic: boom")
	require.Contains(t, string(said), "serving_test.driven(")
	require.NoError(t, p.Wait())
}

func TestStopsOfATerminalFreezeNothing(t *testing.T) {
	t.Parallel()
	cmd := own()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // such signals do not stop an orphaned process group
	p := launch(t, cmd, "127.0.0.1:0")
	addr := p.address(t)
	client := &http.Client{Timeout: time.Minute}
	for _, s := range []os.Signal{syscall.SIGTTIN, syscall.SIGTTOU} {
		require.NoError(t, p.Process.Signal(s))
		require.Equal(t, strconv.Itoa(p.Process.Pid), get(t, client, "http://"+addr), s)
	}
}

func TestAMissingFolderOfTemporaryFilesIsLoggedAtTheStart(t *testing.T) {
	t.Parallel()
	p := launch(t, own(), "127.0.0.1:0", "TMPDIR=/nonexistent")
	r := p.record(t, "bodies that do not fit into memory cannot be kept: set TMPDIR to a folder that this user may write to")
	require.Equal(t, "WARN", r["level"])
	require.Contains(t, r["err"], "/nonexistent")
	p.record(t, "running")
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	p := launch(t, own(), "unix:"+path)
	p.address(t)
	p.Process.Kill()
	p.Wait()
	require.FileExists(t, path)

	p = launch(t, own(), "unix:"+path)
	p.address(t)
	client := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	require.Equal(t, strconv.Itoa(p.Process.Pid), get(t, client, "http://app/"))
	client.CloseIdleConnections()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait())
	require.NoFileExists(t, path)
}

func TestSystemdActivates(t *testing.T) {
	t.Parallel()
	tool, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Skip("systemd-socket-activate is not installed")
	}
	addr := "127.0.0.1:" + freeport.Port(t)
	p := launch(t, exec.Command(tool, "-l", addr, "-E", "TEST_SERVE_AT", os.Args[0]), "127.0.0.1:1")
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr) // the first connection starts the program
		if err == nil {
			c.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	require.Equal(t, addr, p.address(t))
	require.Equal(t, strconv.Itoa(p.Process.Pid), get(t, http.DefaultClient, "http://"+addr))
}

// activated starts the test's program with sockets, like systemd.
func activated(t *testing.T, addr string, sockets ...net.Listener) *process {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	for _, l := range sockets {
		file, err := l.(interface{ File() (*os.File, error) }).File()
		require.NoError(t, err)
		defer file.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	}
	return launch(t, cmd, addr, "LISTEN_FDS="+strconv.Itoa(len(sockets)))
}

func TestSystemdsSocketsOutliveAHandover(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	p := activated(t, "127.0.0.1:1", l)
	require.Equal(t, l.Addr().String(), p.address(t))
	for pid := p.Process.Pid; ; {
		require.Equal(t, strconv.Itoa(pid), get(t, http.DefaultClient, "http://"+l.Addr().String()))
		if pid != p.Process.Pid {
			require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
			break
		}
		require.NoError(t, p.Process.Signal(syscall.SIGHUP))
		require.Equal(t, l.Addr().String(), p.address(t), "the new process")
		pid = int(p.record(t, "the new process has taken over")["pid"].(float64))
		http.DefaultClient.CloseIdleConnections()
		require.NoError(t, p.Wait())
	}
}

func TestSystemdsSocketsSpeakTheProtocolsOfTheAddresses(t *testing.T) {
	t.Parallel()
	var sockets []net.Listener
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		sockets = append(sockets, l)
	}
	p := activated(t, "scgi:///not/used", sockets...)
	require.Equal(t, "scgi://"+sockets[0].Addr().String(), p.record(t, "running")["url"])
	require.Equal(t, "scgi://"+sockets[1].Addr().String(), p.record(t, "running")["url"], "one beyond the last address")
}

func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("several processes")
	}
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	told := func() string {
		b := make([]byte, 1000)
		n, err := c.Read(b)
		require.NoError(t, err)
		return string(b[:n])
	}
	p := launch(t, own(), "127.0.0.1:0", "NOTIFY_SOCKET="+path)
	require.Equal(t, "READY=1", told())
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.Regexp(t, `^RELOADING=1\nMONOTONIC_USEC=[1-9]\d+$`, told())
	require.Equal(t, "READY=1", told(), "the new process")
	next := told()
	require.Regexp(t, `^MAINPID=\d+\nREADY=1$`, next)
	require.NoError(t, p.Wait())
	pid, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(next, "MAINPID="), "\nREADY=1"))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
	require.Equal(t, "STOPPING=1", told())
}

func TestSIGHUPHandsOverUnderLoad(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("several processes")
	}
	dir := t.TempDir()
	for name, addr := range map[string]string{"TCP": "127.0.0.1:0", "a unix socket": "unix:" + filepath.Join(dir, "s")} {
		t.Run(name, func(t *testing.T) {
			pidFile := filepath.Join(dir, "pid")
			p := launch(t, own(), addr, "TEST_PID_FILE="+pidFile)
			network, at := "unix", filepath.Join(dir, "s")
			if a := p.address(t); name == "TCP" {
				network, at = "tcp", a
			}
			var asked, stop atomic.Int64
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial(network, at) }}
					for stop.Load() == 0 {
						resp, err := (&http.Client{Transport: transport}).Post("http://app/", "text/plain", strings.NewReader("x"))
						if err != nil {
							t.Error(err)
							return
						}
						io.Copy(io.Discard, resp.Body)
						resp.Body.Close()
						asked.Add(1)
					}
				})
			}
			pid := p.Process.Pid
			for range 2 {
				before := asked.Load()
				require.NoError(t, syscall.Kill(pid, syscall.SIGHUP))
				require.Eventually(t, func() bool {
					b, err := os.ReadFile(pidFile)
					now, _ := strconv.Atoi(strings.TrimSpace(string(b)))
					if err != nil || now == pid || now == 0 {
						return false
					}
					pid = now
					return true
				}, time.Minute, 5*time.Millisecond)
				require.Eventually(t, func() bool { return asked.Load() > before+200 }, time.Minute, 5*time.Millisecond)
			}
			stop.Store(1)
			clients.Wait()
			require.NoError(t, p.Wait(), "the first process drained")
			require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
			gone(t, pid)
			require.NoFileExists(t, pidFile)
			if network == "unix" {
				require.NoFileExists(t, at)
			}
		})
	}
}

func TestAHandoverThatFailsLeavesTheOldProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	require.NoError(t, os.Link(os.Args[0], program))
	p := launch(t, exec.Command(program), "127.0.0.1:0")
	addr := p.address(t)
	require.NoError(t, os.Remove(program))
	writeScript(t, program, "#!/bin/sh\nexit 3\n")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.Contains(t, p.record(t, "the new process did not take over; this one goes on")["err"], "exit status 3")
	require.Equal(t, strconv.Itoa(p.Process.Pid), get(t, http.DefaultClient, "http://"+addr))
}

func TestAnApplicationThatLoadsAnewAtSIGHUP(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("several processes")
	}
	p := launch(t, own(), "127.0.0.1:0", "TEST_HOOKS=1")
	addr := p.address(t)
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	p.record(t, "loaded anew")
	require.NoError(t, p.Process.Signal(syscall.SIGHUP))
	require.Equal(t, "nothing to load", p.record(t, "what SIGHUP asked for failed; the server goes on as before")["err"])
	require.Equal(t, strconv.Itoa(p.Process.Pid), get(t, http.DefaultClient, "http://"+addr), "the same process")
	require.NoError(t, p.Process.Signal(syscall.SIGUSR2))
	next := int(p.record(t, "the new process has taken over")["pid"].(float64))
	require.NoError(t, p.Wait())
	require.Equal(t, strconv.Itoa(next), get(t, &http.Client{Transport: &http.Transport{}}, "http://"+addr))
	require.NoError(t, syscall.Kill(next, syscall.SIGTERM))
	gone(t, next)
}

func TestAStartThatFailsIsAnErrorOfTheStart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		addr, says string
		code       int
	}{
		"after the addresses": {"127.0.0.1:0", "no database\n", 1},
		"and not before":      {"127.0.0.1", "write \"host:port\"", 78},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := own()
			cmd.Env = append(os.Environ(), "TEST_SERVE_AT="+c.addr, "TEST_HOOKS=fail")
			out, err := cmd.CombinedOutput()
			require.Error(t, err)
			require.Contains(t, string(out), c.says)
			require.Equal(t, c.code, cmd.ProcessState.ExitCode())
		})
	}
}

func TestATerminalWithoutColours(t *testing.T) {
	t.Parallel()
	for variable, coloured := range map[string]bool{"NO_COLOR=": true, "NO_COLOR=1": false, "TERM=dumb": false} {
		t.Run(variable, func(t *testing.T) {
			cmd := own()
			cmd.Env = append(os.Environ(), "TEST_SERVE_AT=127.0.0.1:0", "ZEUG_TERMINAL=1", "TERM=xterm", "NO_COLOR=", "TEST_DEBUG=1", variable)
			out, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { cmd.Process.Kill() })
			lines := bufio.NewReader(out)
			warning, err := lines.ReadString('\n')
			require.NoError(t, err)
			require.Contains(t, warning, "Debug is on")
			require.Equal(t, coloured, strings.Contains(warning, "\x1b"))
		})
	}
}
