package scgi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/scgi"
)

// netstring is a header as a server in front sends it.
func netstring(pairs ...string) string {
	s := strings.Join(pairs, "\x00") + "\x00"
	return fmt.Sprintf("%d:%s,", len(s), s)
}

func TestReadVariables(t *testing.T) {
	vars, err := scgi.ReadVariables(bufio.NewReader(strings.NewReader(netstring("CONTENT_LENGTH", "3", "SCGI", "1", "X", "")+"abc")), 1000)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"CONTENT_LENGTH": "3", "SCGI": "1", "X": ""}, vars)
	for name, text := range map[string]string{
		"HTTP":                  "GET / HTTP/1.1\r\n\r\n",
		"nothing":               "",
		"no length":             ":,",
		"a length without end":  "99999999999:",
		"too short":             "99:CONTENT_LENGTH\x000\x00",
		"no comma":              "24:CONTENT_LENGTH\x000\x00SCGI\x001\x00;",
		"no zero at the end":    "16:CONTENT_LENGTH\x000,",
		"no length in it":       netstring("SCGI", "1"),
		"no version":            netstring("CONTENT_LENGTH", "0"),
		"another version":       netstring("CONTENT_LENGTH", "0", "SCGI", "2"),
		"a name that is empty":  netstring("CONTENT_LENGTH", "0", "SCGI", "1", "", "x"),
		"more than the maximum": netstring("CONTENT_LENGTH", "0", "SCGI", "1", "X", strings.Repeat("x", 1000)),
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			_, err := scgi.ReadVariables(bufio.NewReader(strings.NewReader(text)), 1000)
			require.Error(t, err)
		})
	}
}

func FuzzReadVariables(f *testing.F) {
	f.Add(netstring("CONTENT_LENGTH", "0", "SCGI", "1"))
	f.Fuzz(func(t *testing.T, text string) {
		vars, err := scgi.ReadVariables(bufio.NewReader(strings.NewReader(text)), 1000)
		if err == nil {
			require.Equal(t, "1", vars["SCGI"])
		}
	})
}

// Any variables that are written can be read, except those with zero bytes or a name twice.
func FuzzVariablesRoundTrip(f *testing.F) {
	f.Add("PATH_INFO", "/", "HTTP_HOST", "example.org", "body")
	f.Add("A", "", "B", "12:,", ":,")
	f.Fuzz(func(t *testing.T, a, x, b, y, body string) {
		if strings.Contains(a+x+b+y, "\x00") || a == "" || b == "" || a == b || a == "SCGI" || b == "SCGI" || a == "CONTENT_LENGTH" || b == "CONTENT_LENGTH" {
			return
		}
		in := bufio.NewReader(strings.NewReader(netstring("CONTENT_LENGTH", "0", a, x, "SCGI", "1", b, y) + body))
		vars, err := scgi.ReadVariables(in, 1<<20)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"CONTENT_LENGTH": "0", "SCGI": "1", a: x, b: y}, vars)
		rest, err := io.ReadAll(in)
		require.NoError(t, err)
		require.Equal(t, body, string(rest))
	})
}

// Whatever arrives on a connection, the connection ends and the server keeps serving. The client closes its
// side, so no time-out is needed, and a machine that is busy must not cause one.
func FuzzConnections(f *testing.F) {
	f.Add(get)
	f.Add(netstring("CONTENT_LENGTH", "4", "SCGI", "1", "REQUEST_METHOD", "POST") + "bo")
	f.Add(netstring("CONTENT_LENGTH", "-4", "SCGI", "1", "REQUEST_METHOD", "A B", "HTTP_HOST", "\r\n"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(f, err)
	s := &scgi.Server{Settings: scgi.Settings{HeaderTimeout: time.Minute, StallTimeout: time.Minute, Logger: slog.New(slog.DiscardHandler)},
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
				require.True(t, strings.HasPrefix(string(answer), "Status: 200 OK\r\n"), string(answer))
			}
		}
	})
}

// start serves a handler and returns a dialler.
func start(t *testing.T, settings scgi.Settings, h http.HandlerFunc) (*scgi.Server, func() net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &scgi.Server{Handler: h, Settings: settings}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = s.Shutdown(ctx)
		require.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return s, func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

var get = netstring("CONTENT_LENGTH", "0", "SCGI", "1", "REQUEST_METHOD", "GET", "PATH_INFO", "/")

func TestAClientThatLeavesEndsTheContext(t *testing.T) {
	began, ended := make(chan struct{}), make(chan struct{})
	_, dial := start(t, scgi.Settings{}, func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
		close(ended)
	})
	c := dial()
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	<-began
	require.NoError(t, c.Close())
	<-ended
}

func TestShutdownLetsRequestsEnd(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	s, dial := start(t, scgi.Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-release
		_, _ = io.WriteString(w, "whole")
	})
	c := dial()
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	<-began
	done := make(chan error, 1)
	go func() { done <- s.Shutdown(context.Background()) }()
	require.Eventually(t, func() bool {
		other, err := net.Dial("tcp", c.RemoteAddr().String())
		if err == nil {
			_ = other.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond, "nobody else is let in")
	close(release)
	text, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(text), "whole")
	require.NoError(t, <-done)
}

func TestShutdownCutsWhatDoesNotEnd(t *testing.T) {
	began, stop := make(chan struct{}), make(chan struct{})
	s, dial := start(t, scgi.Settings{}, func(http.ResponseWriter, *http.Request) {
		close(began)
		<-stop
	})
	defer close(stop)
	c := dial()
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	<-began
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.Shutdown(ctx), context.Canceled)
	_, err = io.ReadAll(c)
	require.Error(t, err, "cut, and not ended")
}

func TestSlowHeadsAreCut(t *testing.T) {
	_, dial := start(t, scgi.Settings{HeaderTimeout: 30 * time.Millisecond}, nil)
	c := dial()
	_, err := io.WriteString(c, "70:CONT")
	require.NoError(t, err)
	_, err = io.ReadAll(c)
	require.NoError(t, err)
}

func TestAnAnswerThatIsCutLooksCut(t *testing.T) {
	_, dial := start(t, scgi.Settings{}, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	c := dial()
	_, err := io.WriteString(c, get)
	require.NoError(t, err)
	_, err = io.ReadAll(c)
	require.Error(t, err)
}

func TestABodyNobodyReadsLosesNoAnswer(t *testing.T) {
	_, dial := start(t, scgi.Settings{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no, thanks") })
	c := dial()
	go func() {
		_, _ = io.WriteString(c, netstring("CONTENT_LENGTH", "5000000", "SCGI", "1", "REQUEST_METHOD", "POST"))
		_, _ = io.WriteString(c, strings.Repeat("x", 5_000_000))
	}()
	text, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Contains(t, string(text), "no, thanks")
}
