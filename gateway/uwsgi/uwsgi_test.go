package uwsgi_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/uwsgi"
)

func packet(modifier byte, texts ...string) string {
	var body []byte
	for _, s := range texts {
		body = append(binary.LittleEndian.AppendUint16(body, uint16(len(s))), s...)
	}
	head := append([]byte{modifier}, binary.LittleEndian.AppendUint16(nil, uint16(len(body)))...)
	return string(append(append(head, 0), body...))
}

func TestReadVariables(t *testing.T) {
	vars, err := uwsgi.ReadVariables(bufio.NewReader(strings.NewReader(packet(0, "A", "1", "B", "", "A", "2")+"body")), 1000)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"A": "2", "B": ""}, vars)
	for name, text := range map[string]string{
		"nothing":               "",
		"HTTP":                  "GET / HTTP/1.1\r\n\r\n",
		"another modifier":      packet(5, "A", "1"),
		"too short":             packet(0, "A", "1")[:7],
		"a name alone":          packet(0, "A"),
		"a name that is empty":  packet(0, "", "1"),
		"a length beyond":       "\x00\x03\x00\x00\xff\xffA",
		"more than the maximum": packet(0, "A", strings.Repeat("x", 1000)),
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			_, err := uwsgi.ReadVariables(bufio.NewReader(strings.NewReader(text)), 1000)
			require.Error(t, err)
		})
	}
}

func FuzzReadVariables(f *testing.F) {
	f.Add(packet(0, "A", "1"))
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = uwsgi.ReadVariables(bufio.NewReader(strings.NewReader(text)), 1000)
	})
}

// Any variables that are written can be read.
func FuzzVariablesRoundTrip(f *testing.F) {
	f.Add("PATH_INFO", "/", "HTTP_HOST", "example.org", "body")
	f.Fuzz(func(t *testing.T, a, x, b, y, body string) {
		if a == "" || b == "" || a == b || len(a)+len(x)+len(b)+len(y) > 60000 {
			return
		}
		in := bufio.NewReader(strings.NewReader(packet(0, a, x, b, y) + body))
		vars, err := uwsgi.ReadVariables(in, 1<<16)
		require.NoError(t, err)
		require.Equal(t, map[string]string{a: x, b: y}, vars)
		rest, err := io.ReadAll(in)
		require.NoError(t, err)
		require.Equal(t, body, string(rest))
	})
}

// Whatever arrives on a connection, the connection ends and the server keeps
// serving.
func FuzzConnections(f *testing.F) {
	get := packet(0, "REQUEST_METHOD", "GET", "PATH_INFO", "/")
	f.Add(get)
	f.Add(packet(0, "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "4") + "bo")
	f.Add(packet(0, "REQUEST_METHOD", "A B", "CONTENT_LENGTH", "-1"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	s := &uwsgi.Server{Settings: uwsgi.Settings{HeaderTimeout: time.Minute, StallTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler)},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}
	go func() { _ = s.Serve(l) }()
	f.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	f.Fuzz(func(t *testing.T, text string) {
		for _, send := range []string{text, get} {
			c, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			defer c.Close()
			require.NoError(t, c.SetDeadline(time.Now().Add(2*time.Minute)))
			_, _ = io.WriteString(c, send)
			_ = c.(*net.TCPConn).CloseWrite()
			answer, err := io.ReadAll(c)
			require.False(t, os.IsTimeout(err))
			if send == get {
				require.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n"), string(answer))
			}
		}
	})
}
