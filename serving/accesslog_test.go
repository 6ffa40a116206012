//go:build unix

package serving_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// loggingTo starts the program with standard error at f.
func loggingTo(t *testing.T, f *os.File) *process {
	cmd := own()
	cmd.Env, cmd.Stderr = append(os.Environ(), "TEST_SERVE_AT=127.0.0.1:0"), f
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	return &process{Cmd: cmd}
}

// addressIn returns the address that is named in the first lines.
func addressIn(t *testing.T, lines *bufio.Reader) string {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			time.Sleep(10 * time.Millisecond) // there is no event for the growth of a file
			continue
		}
		require.NoError(t, err)
		var record struct{ Msg, URL string }
		require.NoError(t, json.Unmarshal([]byte(line), &record), line)
		if record.Msg == "running" {
			return record.URL
		}
	}
	t.Fatal("the process did not say where it serves")
	return ""
}

func TestNoLineOfTheAccessLogIsLostAtTheEnd(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "log")
	out, err := os.Create(name)
	require.NoError(t, err)
	defer out.Close()
	p := loggingTo(t, out)
	in, err := os.Open(name)
	require.NoError(t, err)
	defer in.Close()
	url := addressIn(t, bufio.NewReader(in))

	const clients, requests = 4, 100
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for j := range requests {
				resp, err := http.Get(url + "/" + strconv.Itoa(i) + "/" + strconv.Itoa(j))
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	require.NoError(t, p.Wait())

	text, err := os.ReadFile(name)
	require.NoError(t, err)
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		var record struct{ Msg, URI string }
		require.NoError(t, json.Unmarshal([]byte(line), &record), line)
		if record.Msg == "request" {
			seen[record.URI] = true
		}
	}
	require.Len(t, seen, clients*requests)
}

// If the reader of standard error stops reading, no request has to wait. Lines for which there is
// no room are counted.
func TestAnAccessLogThatStallsHoldsNoRequest(t *testing.T) {
	t.Parallel()
	out, in, err := os.Pipe()
	require.NoError(t, err)
	defer out.Close()
	p := loggingTo(t, in)
	in.Close()
	lines := bufio.NewReader(out)
	url := addressIn(t, lines)

	// The pipe holds 64 KiB and the server keeps 1 MiB; each line has 8 KB.
	long := url + "/" + strings.Repeat("x", 8<<10)
	const requests = 200
	for range requests {
		resp, err := http.Get(long)
		require.NoError(t, err)
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		require.Equal(t, 200, resp.StatusCode)
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	got, dropped := 0, 0
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		var record struct {
			Msg   string
			Lines int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &record), line)
		if record.Msg == "request" {
			got++
		}
		dropped += record.Lines
	}
	require.NoError(t, p.Wait())
	require.Equal(t, requests, got+dropped)
	require.Positive(t, dropped)
}
