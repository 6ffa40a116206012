package wsgi_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
)

// held is how many bytes of responses are in memory files that this process has open.
func held(t *testing.T) (size int64) {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	require.NoError(t, err)
	for _, link := range links {
		target, err := os.Readlink(link)
		if err == nil && strings.HasPrefix(target, "/memfd:answer ") {
			if info, err := os.Stat(link); err == nil {
				size += info.Size()
			}
		}
	}
	return size
}

// Responses that clients do not read take at most the memory of the budget, plus one response for
// each thread.
func TestLargeAnswersThatNobodyTakes(t *testing.T) {
	if !sharesMemory {
		t.Skip("no answer goes as a file in memory here")
	}
	const size, slots, total = 8000000, 2, 3 * 8000000
	l := run(t, wsgi.Config{Workers: 1, Threads: slots, BufferTotal: total})
	var clients []net.Conn
	for range 12 {
		conn, err := net.Dial("tcp", l.server.Listener.Addr().String())
		require.NoError(t, err)
		defer conn.Close()
		_, err = fmt.Fprintf(conn, "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		clients = append(clients, conn)
	}
	// Some of the responses are kept within the budget, each thread has one, and the other
	// requests wait.
	require.Eventually(t, func() bool {
		s := l.Stats()
		return s.Workers[0].Busy == slots && s.Waiting == len(clients)-slots-total/size && held(t) >= total
	}, 20*time.Second, 10*time.Millisecond)
	require.LessOrEqual(t, held(t), int64(total+slots*size))
	for _, conn := range clients {
		conn.Close()
	}
	require.Eventually(t, func() bool { return held(t) == 0 }, 20*time.Second, 10*time.Millisecond)
	status, body := l.get("/huge")
	require.Equal(t, 200, status)
	require.Len(t, body, size, "the whole budget is free again")
}
