//go:build unix

package wsgi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/internal/procstate"
)

// load sends requests with several clients and counts the statuses of the responses; 0
// stands for requests without a response.
func (l *legacy) load(path string, clients, requests int) map[int]int {
	var mu sync.Mutex
	counts := map[int]int{}
	var sent atomic.Int64
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
			for sent.Add(1) <= int64(requests) {
				status := 0
				if resp, err := client.Get(l.server.URL + path); err == nil {
					if _, err = io.Copy(io.Discard, resp.Body); err == nil {
						status = resp.StatusCode
					}
					resp.Body.Close()
				}
				mu.Lock()
				counts[status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return counts
}

// rounds returns how many requests a test sends: n in CI, where CI is set, and fewer elsewhere.
func rounds(n int) int {
	switch {
	case testing.Short():
		return n / 10
	case os.Getenv("CI") == "":
		return n / 4
	}
	return n
}

// reloads is how often a test reloads the application.
const reloads = 5

// Workers are killed at random: only the requests that they ran are lost, and no request that may
// be sent again is lost.
func TestWorkersThatAreKilled(t *testing.T) {
	long(t)
	for name, retry := range map[string]bool{"lose what they run": false, "lose nothing that may be retried": true} {
		t.Run(name, func(t *testing.T) {
			l := run(t, wsgi.Config{Workers: 2, RetryIdempotent: retry})
			ctx, stop := context.WithCancel(t.Context())
			killed := make(chan int)
			total := rounds(10000)
			go func() {
				n, answered := 0, 0
				for ctx.Err() == nil {
					// The requests that one kill has lost end before the next kill, so that none
					// is lost more often than it is retried. The number of requests decides when to
					// kill, so a fast machine kills as often as a slow one.
					if now := l.Stats(); len(now.Workers) > 0 && now.Requests >= answered+total/8 {
						syscall.Kill(now.Workers[rand.IntN(len(now.Workers))].PID, syscall.SIGKILL)
						n, answered = n+1, now.Requests
					}
					time.Sleep(time.Millisecond)
				}
				killed <- n
			}()
			counts := l.load("/", 8, total)
			stop()
			kills := <-killed
			t.Logf("%v during %d kills", counts, kills)
			require.Greater(t, kills, 1)
			require.Zero(t, counts[0]+counts[503]+counts[504])
			require.Equal(t, total, counts[200]+counts[502])
			if retry {
				require.Zero(t, counts[502])
			} else {
				require.LessOrEqual(t, counts[502], 2*kills, "no more than two threads ran in each")
			}
		})
	}
}

// Reloads and replacements of workers that have reached a limit lose no
// request.
func TestReplacementsUnderLoad(t *testing.T) {
	for name, c := range map[string]wsgi.Config{
		"by reloads":       {Workers: 2},
		"by forked ones":   {Workers: 2, Preload: true},
		"by their count":   {Workers: 2, MaxRequests: 200, MaxRequestsJitter: 50},
		"by their time":    {Workers: 2, MaxLifetime: 300 * time.Millisecond},
		"forked, by count": {Workers: 2, MaxRequests: 200, Preload: true},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "by their count" {
				long(t)
			}
			l := run(t, c)
			done := make(chan map[int]int)
			total := rounds(8000)
			go func() { done <- l.load("/", 8, total) }()
			if c.MaxRequests == 0 && c.MaxLifetime == 0 {
				for range reloads {
					require.NoError(t, l.Reload())
				}
			}
			require.Equal(t, map[int]int{200: total}, <-done)
			s := l.Stats()
			t.Logf("%+v", s.Totals)
			require.Zero(t, s.Crashed)
			if c.MaxRequests > 0 {
				require.Eventually(t, func() bool { return l.Stats().Recycled > 0 }, 10*time.Second, 10*time.Millisecond)
			}
		})
	}
}

func TestAWorkerThatHoldsTooMuchMemory(t *testing.T) {
	long(t)
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, MaxMemory: 150 << 20})
	l.get("/hoard")
	_, before := l.get("/hoard")
	require.Eventually(t, func() bool {
		_, pid := l.get("/pid")
		return pid != before
	}, 20*time.Second, 50*time.Millisecond)
	require.Positive(t, l.Stats().Recycled)
	require.Zero(t, l.Stats().Crashed)
}

func TestAWorkerThatDies(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1})
	status, _ := l.get("/die")
	require.Equal(t, 502, status)
	_, body, err := l.try("GET", "/die-late", "")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, "begun", body)
	status, _ = l.get("/")
	require.Equal(t, 200, status, "another one is there")
	require.Equal(t, 2, l.Stats().Crashed)
}

// A request that hangs is answered with 504, its stacks are printed, and the other requests of the
// worker are finished.
func TestAWorkerThatHangs(t *testing.T) {
	long(t)
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, Threads: 2, RequestTimeout: 4 * time.Second})
	other := make(chan int)
	go func() {
		time.Sleep(2 * time.Second) // so that the request is still running at the timeout of the other one
		status, _ := l.get("/sleep?2.5")
		other <- status
	}()
	status, _ := l.get("/sleep?60")
	require.Equal(t, 504, status)
	require.Equal(t, 200, <-other)
	require.Eventually(t, func() bool { return strings.Contains(l.log.String(), "in view_sleep") }, 5*time.Second, 10*time.Millisecond)
	status, _ = l.get("/")
	require.Equal(t, 200, status)
	require.Equal(t, 1, l.Stats().TimedOut)
}

// This also works for a request that holds the interpreter's lock, so that no Python runs in the
// worker.
func TestAWorkerThatHoldsTheLock(t *testing.T) {
	long(t)
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 2, Threads: 1, RequestTimeout: 3 * time.Second})
	hung := make(chan int)
	go func() {
		status, _ := l.get("/hold")
		hung <- status
	}()
	for range 20 {
		status, _ := l.get("/")
		require.Equal(t, 200, status, "the other worker is not concerned")
	}
	require.Equal(t, 504, <-hung)
	require.Eventually(t, func() bool { return strings.Contains(l.log.String(), "in view_hold") }, 5*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { return len(l.serving()) == 2 }, 20*time.Second, 10*time.Millisecond)
}

// serving returns the workers that take requests.
func (l *legacy) serving() (pids []int) {
	for _, w := range l.Stats().Workers {
		if !w.Leaving {
			pids = append(pids, w.PID)
		}
	}
	return pids
}

// A request that its worker has not read when it dies goes to the next worker, whatever its
// method.
func TestARequestThatWasNotRead(t *testing.T) {
	l := run(t, wsgi.Config{Workers: 1, Threads: 1})
	l.get("/")
	for _, size := range []int{0, 10, 60000, 2000000} {
		pid := l.serving()[0]
		require.NoError(t, syscall.Kill(pid, syscall.SIGSTOP))
		require.Eventually(t, func() bool { return stopped(pid) }, 10*time.Second, time.Millisecond)
		answered := make(chan string)
		go func() {
			resp, err := http.Post(l.server.URL+"/echo", "text/plain", strings.NewReader(strings.Repeat("x", size)))
			if err != nil {
				answered <- err.Error()
				return
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			answered <- fmt.Sprint(resp.StatusCode, " ", len(b))
		}()
		require.Eventually(t, func() bool { return l.Stats().Workers[0].Busy == 1 && unread() }, 10*time.Second, time.Millisecond,
			"the request is in the socket")
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
		require.Equal(t, fmt.Sprint("200 ", size), <-answered)
	}
	require.Equal(t, 4, l.Stats().Crashed)
}

// unread reports whether a unix socket of this process has bytes that its peer has not read. No other test may run
// meanwhile.
func unread() bool {
	for fd := range 1000 {
		name, _ := unix.Getsockname(fd)
		if _, ok := name.(*unix.SockaddrUnix); !ok {
			continue
		}
		if n, _ := unix.IoctlGetInt(fd, unix.TIOCOUTQ); n > 0 {
			return true
		}
	}
	return runtime.GOOS != "linux" // other systems do not report it
}

// stopped reports whether all threads of a process have stopped: a running one would read new
// input.
func stopped(pid int) bool {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, task := range tasks {
		b, err := os.ReadFile(task)
		if _, state, found := strings.Cut(string(b), ") "); err != nil || !found || state[0] != 'T' {
			return false
		}
	}
	return true // even if the system does not report it
}

// takesNothing is a faulty writer of a middleware.
type takesNothing struct{ http.ResponseWriter }

func (takesNothing) ReadFrom(io.Reader) (int64, error) { return 0, nil }

func TestAWriterThatTakesNoFile(t *testing.T) {
	t.Parallel()
	l := shared(t)
	require.PanicsWithValue(t, http.ErrAbortHandler, func() {
		l.ServeHTTP(takesNothing{httptest.NewRecorder()}, httptest.NewRequest("GET", "/file", nil))
	})
	status, _ := l.get("/")
	require.Equal(t, 200, status)
}

// A forked worker gets more sockets than one message can hold.
func TestManyThreads(t *testing.T) {
	l := run(t, wsgi.Config{Workers: 1, Threads: 140, Preload: true})
	var asking sync.WaitGroup
	for range 140 {
		asking.Go(func() {
			status, _ := l.get("/sleep?0.2")
			if status != 200 {
				t.Errorf("status %d", status)
			}
		})
	}
	asking.Wait()
	require.NoError(t, l.Reload())
	status, _ := l.get("/")
	require.Equal(t, 200, status)
}

// Deaths, replacements and reloads at the same time leave the configured number of workers.
func TestTheNumberOfWorkers(t *testing.T) {
	long(t)
	t.Parallel()
	for name, preload := range map[string]bool{"started": false, "forked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := run(t, wsgi.Config{Workers: 2, Preload: preload, MaxRequests: 50, MaxLifetime: 500 * time.Millisecond})
			ctx, stop := context.WithCancel(t.Context())
			var others sync.WaitGroup
			others.Go(func() {
				for ctx.Err() == nil {
					if pids := l.serving(); len(pids) > 0 {
						syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL)
					}
					time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
				}
			})
			others.Go(func() {
				for ctx.Err() == nil {
					l.load("/", 4, 100)
					time.Sleep(50 * time.Millisecond) // otherwise workers do little but start
				}
			})
			for range reloads {
				if err := l.Reload(); err != nil { // a new one may have been killed
					require.ErrorContains(t, err, "ended")
				}
			}
			stop()
			others.Wait()
			// Lifetimes still apply; between replacements there are as many workers as configured.
			require.Eventually(t, func() bool { return len(l.serving()) == 2 }, 10*time.Second, time.Millisecond)
			most := 0
			for until := time.Now().Add(1500 * time.Millisecond); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
				most = max(most, len(l.serving()))
			}
			require.LessOrEqual(t, most, 4, "two, and two that take their places")
			require.Eventually(t, func() bool { return len(l.serving()) == 2 }, 10*time.Second, time.Millisecond)
		})
	}
}

// Clients that vanish, at whatever moment, leave every thread free and do not damage other
// responses.
func TestClientsThatVanish(t *testing.T) {
	l := run(t, wsgi.Config{Workers: 2, BufferRequest: 1000})
	large := strings.Repeat("0123456789", 100000)
	requests := []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /one-part HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /large-parts HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /file HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + large,
		"POST /talk HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("a line\n", 100000),
		"POST /disconnect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nf4240\r\n" + large + "\r\n0\r\n\r\n",
		"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + large,
	}
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for i := range 2 {
		others.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				want := fmt.Sprintf("%d-%d-%s", i, n, strings.Repeat("y", n%5*30000))
				resp, got, err := l.try("POST", "/echo", want)
				if err != nil || resp.StatusCode != 200 || got != want {
					t.Errorf("another client's answer: %v, %d bytes of %d", err, len(got), len(want))
					return
				}
			}
		})
	}
	var vanishing sync.WaitGroup
	for range 4 {
		vanishing.Go(func() {
			for range rounds(100) {
				text := requests[rand.IntN(len(requests))]
				c, err := net.Dial("tcp", strings.TrimPrefix(l.server.URL, "http://"))
				if err != nil {
					t.Error(err)
					return
				}
				c.SetDeadline(time.Now().Add(time.Duration(rand.IntN(200)) * time.Millisecond))
				if rand.IntN(2) == 0 {
					io.WriteString(c, text[:rand.IntN(len(text))])
				} else {
					go io.WriteString(c, text)
					io.CopyN(io.Discard, c, rand.Int64N(1<<uint(rand.IntN(22))))
				}
				if rand.IntN(2) == 0 {
					c.(*net.TCPConn).SetLinger(0) // by a reset
				}
				c.Close()
			}
		})
	}
	vanishing.Wait()
	stop()
	others.Wait()
	require.Eventually(t, func() bool {
		for _, w := range l.Stats().Workers {
			if w.Busy > 0 {
				return false
			}
		}
		return true
	}, 10*time.Second, 10*time.Millisecond)
	require.Zero(t, l.Stats().Crashed, l.log)
	require.Zero(t, l.Stats().TimedOut)
	require.Equal(t, 2, l.Stats().Started)
}

// If the server refuses to read more of a body, the application gets an error, and the client a
// response.
func TestABodyThatIsTooLarge(t *testing.T) {
	t.Parallel()
	l := shared(t)
	limited := httptest.NewServer(http.MaxBytesHandler(l, 100000))
	defer limited.Close()
	for path, want := range map[string]string{"/echo": "413 ", "/disconnect": "200 not read"} {
		resp, err := http.Post(limited.URL+path, "text/plain", io.LimitReader(zeros{}, 200000))
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		require.Contains(t, fmt.Sprint(resp.StatusCode, " ", string(text)), want, path)
	}
	require.Zero(t, l.Stats().Crashed)
}

func TestTheQueue(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, Threads: 1, MaxQueue: 2, QueueTimeout: 500 * time.Millisecond})
	answers := make(chan *http.Response, 5)
	for range 5 {
		go func() {
			resp, _, err := l.try("GET", "/sleep?2", "")
			if err != nil {
				t.Error(err)
			}
			answers <- resp
		}()
	}
	counts := map[int]int{}
	for range 5 {
		resp := <-answers
		counts[resp.StatusCode]++
		if resp.StatusCode == 503 {
			require.Equal(t, "1", resp.Header.Get("Retry-After"))
		}
	}
	require.Equal(t, map[int]int{200: 1, 503: 4}, counts)
}

// When a client leaves, the application stops sending.
func TestAClientThatLeaves(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, Threads: 2})
	for range 5 {
		resp, err := l.server.Client().Get(l.server.URL + "/endless")
		require.NoError(t, err)
		io.CopyN(io.Discard, resp.Body, 5000)
		resp.Body.Close()
	}
	require.Eventually(t, func() bool {
		_, n := l.get("/closed")
		return n == "5"
	}, 10*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool { return l.Stats().Workers[0].Busy == 0 }, 5*time.Second, 10*time.Millisecond)
}

// A client that does not read a large response holds no worker.
func TestAClientThatIsSlow(t *testing.T) {
	for _, path := range []string{"/one-part", "/file", "/parts"} {
		t.Run(path, func(t *testing.T) {
			if path == "/parts" {
				long(t)
			}
			// A busy machine takes long for the 20,000 parts of each response.
			l := run(t, wsgi.Config{Workers: 1, Threads: 1, QueueTimeout: 5 * time.Minute})
			var slow []net.Conn
			for range 6 { // more than there are regions of shared memory
				c, err := net.Dial("tcp", strings.TrimPrefix(l.server.URL, "http://"))
				require.NoError(t, err)
				defer c.Close()
				c.(*net.TCPConn).SetReadBuffer(4096)
				fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
				slow = append(slow, c)
			}
			status, _ := l.get("/")
			require.Equal(t, 200, status)
			_, large := l.get("/one-part") // the region of a slow client is not written to
			require.Equal(t, strings.Repeat("x", 1000000), large)
			require.Eventually(t, func() bool { return l.Stats().Workers[0].Busy == 0 }, 5*time.Second, 10*time.Millisecond)
			if path != "/parts" {
				head := make([]byte, 200)
				_, err := io.ReadFull(slow[0], head)
				require.NoError(t, err)
				require.True(t, strings.HasPrefix(string(head), "HTTP/1.1 200 OK\r\n"))
			}
		})
	}
}

// The end of a worker is noticed even if its application has left a process behind that holds its
// sockets.
func TestAChildThatStays(t *testing.T) {
	l := run(t, wsgi.Config{Workers: 1})
	_, child := l.get("/child")
	number, err := strconv.Atoi(child)
	require.NoError(t, err)
	defer syscall.Kill(number, syscall.SIGKILL)
	begun := time.Now()
	status, _ := l.get("/die")
	require.Equal(t, 502, status)
	require.Less(t, time.Since(begun), 3*time.Second)
	status, _ = l.get("/")
	require.Equal(t, 200, status)
}

// A reload that fails leaves everything as it is, and says why.
func TestAReloadThatFails(t *testing.T) {
	long(t)
	t.Parallel()
	dir := t.TempDir()
	write := func(text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "app.py"), []byte(text), 0o644))
	}
	const good = "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'%s']\n"
	write(fmt.Sprintf(good, "one"))
	for _, preload := range []bool{false, true} {
		l := run(t, wsgi.Config{App: "app:app", Dir: dir, Workers: 2, Preload: preload})
		write("import nothing_like_it\n")
		traceback := (*wsgi.Traceback)(nil)
		require.ErrorAs(t, l.Reload(), &traceback)
		require.Contains(t, traceback.Text, "nothing_like_it")
		_, body := l.get("/")
		require.Equal(t, "one", body)
		write(fmt.Sprintf(good, "two"))
		require.NoError(t, l.Reload())
		_, body = l.get("/")
		require.Equal(t, "two", body)
		write(fmt.Sprintf(good, "one"))
	}
}

// A change within the second of the one before, to the same size, is also run: bytecode is kept
// only for sources that have not changed for a second.
func TestChangesThatPythonCannotTell(t *testing.T) {
	long(t)
	t.Parallel()
	dir := t.TempDir()
	file, cached := filepath.Join(dir, "app.py"), filepath.Join(dir, "__pycache__", "app.*.pyc")
	write := func(answer int) {
		text := fmt.Sprintf("def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'%d']\n", answer)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	write(0)
	l := run(t, wsgi.Config{App: "app:app", Dir: dir, Workers: 1, Env: []string{"PYTHONDONTWRITEBYTECODE="}})
	for i := range reloads {
		write(i)
		require.NoError(t, l.Reload())
		_, body := l.get("/")
		require.Equal(t, fmt.Sprint(i), body)
	}
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "__pycache__")))
	for age, kept := range map[time.Duration]int{-time.Minute: 0, time.Minute: 1} {
		changed := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(file, changed, changed))
		require.NoError(t, l.Reload())
		found, err := filepath.Glob(cached)
		require.NoError(t, err)
		require.Len(t, found, kept, "of a source as old as %v", age)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, "__pycache__")))
	}
}

// If a worker cannot be replaced, its requests are answered at once.
func TestAnApplicationThatStartsNoMore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "app.py")
	require.NoError(t, os.WriteFile(file, []byte("import os\ndef app(environ, start_response):\n    os._exit(1)\n"), 0o644))
	l := run(t, wsgi.Config{App: "app:app", Dir: dir, Workers: 1})
	require.NoError(t, os.WriteFile(file, []byte("1/0\n"), 0o644))
	status, _ := l.get("/")
	require.Equal(t, 502, status)
	status, _ = l.get("/")
	require.Equal(t, 503, status)
	require.NoError(t, os.WriteFile(file, []byte("def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'mended']\n"), 0o644))
	require.Eventually(t, func() bool {
		status, _ := l.get("/")
		return status == 200
	}, 15*time.Second, 50*time.Millisecond)
}

func TestAnImportThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "app.py"), []byte("import time\ntime.sleep(60)\n"), 0o644))
	_, err := try(t, wsgi.Config{App: "app", Dir: dir, Workers: 1, StartTimeout: 500 * time.Millisecond})
	require.ErrorIs(t, err, wsgi.ErrStartTimeout)
	require.ErrorContains(t, err, "was not imported within 500ms (Config.StartTimeout)")
}

// Shutdown lets running requests finish, and answers new ones with 503.
func TestShutdownDrains(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 2})
	answered := make(chan int)
	go func() {
		status, _ := l.get("/sleep?1")
		answered <- status
	}()
	require.Eventually(t, func() bool {
		for _, w := range l.Stats().Workers {
			if w.Busy > 0 {
				return true
			}
		}
		return false
	}, 5*time.Second, time.Millisecond)
	ended := make(chan error)
	go func() { ended <- l.Shutdown(t.Context()) }()
	require.Eventually(t, func() bool {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w.Code == 503
	}, 5*time.Second, 10*time.Millisecond)
	require.Equal(t, 200, <-answered)
	require.NoError(t, <-ended)
	require.Empty(t, l.Stats().Workers)
}

func TestShutdownHasAnEnd(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1})
	go l.try("GET", "/sleep?60", "")
	require.Eventually(t, func() bool { return l.Stats().Workers[0].Busy > 0 }, 5*time.Second, time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, l.Shutdown(ctx), context.DeadlineExceeded)
	require.Empty(t, l.Stats().Workers)
}

// A signal to the whole group, as a terminal or a service manager sends it,
// does not end the workers, which the gateway ends; if the gateway is killed,
// they end by themselves.
func TestSignalsToTheGroup(t *testing.T) {
	if os.Getenv("ZEUG_TEST_WSGI") != "" {
		app := "plain:app"
		if os.Getenv("ZEUG_TEST_WSGI") == "importing" {
			app = "slow_import"
		}
		a, err := wsgi.Start(wsgi.Config{App: app, Dir: "testdata", Workers: 2, DrainTimeout: time.Second, Preload: os.Getenv("ZEUG_TEST_WSGI") == "forked"})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range a.Stats().Workers {
			fmt.Printf("pid %d\n", w.PID)
		}
		fmt.Println("ready")
		for range 2 {
			b := make([]byte, 1)
			os.Stdin.Read(b)
			w := httptest.NewRecorder()
			a.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			fmt.Printf("status %d\n", w.Code)
		}
		select {}
	}
	python(t, "wsgiref")
	for _, kind := range []string{"started", "forked"} {
		t.Run(kind, func(t *testing.T) {
			c := exec.Command(os.Args[0], "-test.run=^TestSignalsToTheGroup$")
			c.Env = append(os.Environ(), "ZEUG_TEST_WSGI="+kind)
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			in, err := c.StdinPipe()
			require.NoError(t, err)
			out, err := c.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, c.Start())
			defer c.Wait()
			defer c.Process.Kill()
			lines := bufio.NewScanner(out)
			var pids []int
			for lines.Scan() && lines.Text() != "ready" {
				var pid int
				if _, err := fmt.Sscanf(lines.Text(), "pid %d", &pid); err == nil {
					pids = append(pids, pid)
				}
			}
			require.Len(t, pids, 2)
			for _, pid := range pids {
				require.NoError(t, syscall.Kill(pid, syscall.SIGTERM))
				require.NoError(t, syscall.Kill(pid, syscall.SIGINT))
				require.NoError(t, syscall.Kill(pid, syscall.SIGHUP))
			}
			in.Write([]byte("x"))
			require.True(t, lines.Scan())
			require.Equal(t, "status 200", lines.Text())
			require.NoError(t, c.Process.Kill())
			for _, pid := range pids {
				require.Eventually(t, func() bool { return procstate.Ended(pid) }, 10*time.Second, 10*time.Millisecond, "a worker has stayed")
			}
		})
	}
}

// A worker that still imports the application ends with the gateway too.
func TestAGatewayThatIsKilledDuringTheImport(t *testing.T) {
	t.Parallel()
	python(t, "wsgiref")
	c := exec.Command(os.Args[0], "-test.run=^TestSignalsToTheGroup$")
	c.Env = append(os.Environ(), "ZEUG_TEST_WSGI=importing")
	says, err := c.StderrPipe() // where the workers print
	require.NoError(t, err)
	require.NoError(t, c.Start())
	defer c.Wait()
	defer c.Process.Kill()
	lines := bufio.NewScanner(says)
	var pids []int
	for len(pids) < 2 && lines.Scan() {
		var pid int
		if _, err := fmt.Sscanf(lines.Text(), "importing %d", &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	require.Len(t, pids, 2)
	require.NoError(t, c.Process.Kill())
	for _, pid := range pids {
		require.Eventually(t, func() bool { return procstate.Ended(pid) }, 10*time.Second, 10*time.Millisecond, "a worker has stayed")
	}
}

// If the system has no shared memory, everything goes through the sockets.
func TestWithoutSharedMemory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "scarce.py"), []byte(`
import os
def none(*_): raise OSError("none here")
os.memfd_create = none
def app(environ, start_response):
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body]
`), 0o600))
	l := run(t, wsgi.Config{App: "scarce:app", Dir: dir, Workers: 1})
	for _, size := range []int{0, 1000, 100000, 10000000} {
		want := strings.Repeat("0123456789", size/10)
		_, got, err := l.try("POST", "/", want)
		require.NoError(t, err)
		require.True(t, got == want, "%d bytes for %d", len(got), size)
	}
}
