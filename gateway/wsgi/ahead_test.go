//go:build unix

package wsgi_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
)

// Whatever happens to workers and clients while requests wait in sockets, no request runs twice,
// and each response belongs to its client.
func TestEachRequestRunsOnce(t *testing.T) {
	type fault func(l *legacy, random *rand.Rand)
	kill := func(l *legacy, random *rand.Rand) {
		if pids := l.serving(); len(pids) > 0 {
			syscall.Kill(pids[random.IntN(len(pids))], syscall.SIGKILL)
		}
	}
	for name, test := range map[string]struct {
		config wsgi.Config
		fault  fault
		leave  bool // some clients
		fails  int  // requests for each fault, at most
	}{
		"with no fault":            {config: wsgi.Config{Workers: 2}},
		"in one thread":            {config: wsgi.Config{Workers: 1, Threads: 1}},
		"as clients leave":         {config: wsgi.Config{Workers: 2}, leave: true},
		"as workers are killed":    {config: wsgi.Config{Workers: 2}, fault: kill, fails: 2},
		"as both":                  {config: wsgi.Config{Workers: 2, Threads: 1}, fault: kill, leave: true, fails: 1},
		"as workers are replaced":  {config: wsgi.Config{Workers: 2, MaxRequests: 100, Preload: true}, leave: true},
		"as it is loaded again":    {config: wsgi.Config{Workers: 2}, fault: func(l *legacy, _ *rand.Rand) { l.Reload() }},
		"as a worker is suspended": {config: wsgi.Config{Workers: 2}, fault: suspend},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "as both" {
				long(t)
			}
			notes := filepath.Join(t.TempDir(), "notes")
			test.config.Env = []string{"NOTES=" + notes}
			l := run(t, test.config)
			ctx, stop := context.WithCancel(t.Context())
			faults := 0
			var others sync.WaitGroup
			if test.fault != nil {
				others.Go(func() {
					random := rand.New(rand.NewPCG(1, 2))
					for ctx.Err() == nil {
						before := l.Stats().Requests
						test.fault(l, random)
						faults++
						for ctx.Err() == nil && l.Stats().Requests < before+50 {
							time.Sleep(time.Millisecond)
						}
					}
				})
			}
			answered, failed := l.note(t, 32, rounds(3000), test.leave)
			stop()
			others.Wait()
			l.server.Close()
			require.NoError(t, l.Shutdown(t.Context()), "what runs is finished")
			text, err := os.ReadFile(notes)
			require.NoError(t, err)
			run := map[string]int{}
			for _, id := range strings.Fields(string(text)) {
				run[id]++
				require.Equal(t, 1, run[id], "runs of %s", id)
			}
			for _, id := range answered {
				require.Equal(t, 1, run[id], "runs of %s, which was answered", id)
			}
			t.Logf("%d answered, %d failed, %d run, %d faults", len(answered), failed, len(run), faults)
			require.LessOrEqual(t, failed, test.fails*faults)
		})
	}
}

// suspend stops a worker for some time.
func suspend(l *legacy, random *rand.Rand) {
	pid := l.serving()[random.IntN(2)]
	syscall.Kill(pid, syscall.SIGSTOP)
	time.Sleep(20 * time.Millisecond)
	syscall.Kill(pid, syscall.SIGCONT)
}

// note posts a number of requests by several clients, some of which leave early. It returns the
// answered requests, and the number of those that were not answered although their clients stayed.
func (l *legacy) note(t *testing.T, clients, total int, leave bool) (answered []string, failed int) {
	var mu sync.Mutex
	var all sync.WaitGroup
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	for c := range clients {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 1))
			for i := range total / clients {
				id := fmt.Sprintf("%d-%d", c, i)
				ctx, cancel := context.WithCancel(t.Context())
				leaves := leave && random.IntN(4) == 0
				if leaves {
					time.AfterFunc(time.Duration(random.IntN(3000))*time.Microsecond, cancel)
				}
				r, err := http.NewRequestWithContext(ctx, "POST", l.server.URL+"/note?"+id, strings.NewReader(strings.Repeat("x", random.IntN(20)*600)))
				if err != nil {
					t.Error(err)
				}
				status, text := 0, []byte(nil)
				if resp, err := transport.RoundTrip(r); err == nil {
					status = resp.StatusCode
					text, err = io.ReadAll(resp.Body)
					if err == nil && status == 200 && string(text) != id {
						t.Errorf("the answer to %s is %s", id, text)
					}
					resp.Body.Close()
				}
				cancel()
				mu.Lock()
				if status == 200 {
					answered = append(answered, id)
				} else if !leaves {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return answered, failed
}

// A slow request delays no other one while another thread is free.
func TestNothingWaitsBehindASlowRequest(t *testing.T) {
	l := run(t, wsgi.Config{Workers: 1, Threads: 2})
	var slow sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	slow.Go(func() {
		for ctx.Err() == nil {
			l.get("/sleep?3")
		}
	})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 100 {
				begun := time.Now()
				status, _ := l.get("/")
				if took := time.Since(begun); status != 200 || took > 2*time.Second {
					t.Errorf("status %d after %v", status, took)
				}
			}
		})
	}
	all.Wait()
	stop()
	slow.Wait()
}

// A client that does not read a response in several parts delays no other request either.
func TestNothingWaitsBehindASlowClient(t *testing.T) {
	l := run(t, wsgi.Config{Workers: 1, Threads: 1})
	for range 8 {
		for range 8 {
			conn, err := net.Dial("tcp", l.server.Listener.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(1))
			_, err = io.WriteString(conn, strings.Repeat("GET /some-parts HTTP/1.1\r\nHost: x\r\n\r\n", 20))
			require.NoError(t, err)
		}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if status, _ := l.get("/"); status != 200 {
					t.Errorf("status %d", status)
				}
			})
		}
		all.Wait()
	}
}
