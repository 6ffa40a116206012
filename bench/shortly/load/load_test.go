//go:build linux

package load_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/bench/shortly/load"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func get(int) []byte { return []byte("GET / HTTP/1.1\r\nHost: test\r\n\r\n") }

func TestAStallDelaysEveryRequestInTheSchedule(t *testing.T) {
	var first sync.Once
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		first.Do(func() { <-time.After(300 * time.Millisecond) })
		io.WriteString(w, "hello")
	})
	// The last request is due after 99 ms and waits for the connection until 300 ms.
	result, err := load.Load{Addr: addr, Connections: 1, Rate: 1000, Duration: 100 * time.Millisecond, Request: get}.Run()
	require.NoError(t, err)
	require.Equal(t, 100, result.Requests)
	require.GreaterOrEqual(t, result.Within(0), 200*time.Millisecond)
	require.GreaterOrEqual(t, result.Within(1), 300*time.Millisecond)
}

func TestAClosedLoopSendsWhenAConnectionIsFree(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.RemoteAddr] = true
		io.WriteString(w, "hello")
	})
	result, err := load.Load{Addr: addr, Connections: 3, Duration: 50 * time.Millisecond, Request: get}.Run()
	require.NoError(t, err)
	require.GreaterOrEqual(t, result.Requests, 3)
	require.Positive(t, result.PerSecond())
	require.Len(t, seen, 3)
	var twice load.Result
	twice.Add(result)
	twice.Add(result)
	require.Equal(t, 2*result.Requests, twice.Requests)
	require.InDelta(t, result.PerSecond(), twice.PerSecond(), 1e-6)
	require.Equal(t, result.Within(0.5), twice.Within(0.5))
	require.Equal(t, result.Bytes/int64(result.Requests)*int64(result.Requests), result.Bytes, "all responses are alike")
}

func TestAServerMayEndAConnectionAfterAResponse(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, "/", http.StatusFound)
	})
	result, err := load.Load{Addr: addr, Connections: 2, Rate: 1000, Duration: 20 * time.Millisecond, Request: get}.Run()
	require.NoError(t, err)
	require.Equal(t, 20, result.Requests)
}

func TestAServerMayEndAConnectionWithoutNotice(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := c.Read(make([]byte, 1000)); err == nil {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
			c.Close()
		}
	})
	result, err := load.Load{Addr: l.Addr().String(), Connections: 1, Rate: 1000, Duration: 20 * time.Millisecond, Request: get}.Run()
	require.NoError(t, err)
	require.Equal(t, 20, result.Requests)
}

func TestAResponseInPieces(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	var all sync.WaitGroup
	t.Cleanup(func() { l.Close(); all.Wait() })
	all.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		request := make([]byte, 1000)
		for {
			if _, err := c.Read(request); err != nil {
				return
			}
			for _, piece := range strings.SplitAfter("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "o") {
				io.WriteString(c, piece)
			}
		}
	})
	result, err := load.Load{Addr: l.Addr().String(), Connections: 1, Rate: 1000, Duration: 5 * time.Millisecond, Request: get}.Run()
	require.NoError(t, err)
	require.Equal(t, 5, result.Requests)
}

func TestRunFails(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"an error of the server": {func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 503) }, "neither a success nor a redirect"},
		"an error of the client": {http.NotFound, "neither a success nor a redirect"},
		"no length":              {func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() }, "no Content-Length"},
		"a large response": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "70000")
			w.Write(make([]byte, 70000))
		}, "more than 65536 bytes"},
		"no response": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "ended a connection"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load.Load{Addr: serve(t, c.handler), Connections: 1, Duration: time.Millisecond, Request: get}.Run()
			require.ErrorContains(t, err, c.want)
		})
	}
	_, err := load.Load{Addr: "nonsense", Connections: 1, Duration: time.Millisecond, Request: get}.Run()
	require.Error(t, err)
}
