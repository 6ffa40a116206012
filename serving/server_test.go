package serving_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
	_ "github.com/zeugkit/zeug/serving/dev"
)

var silent = slog.New(slog.DiscardHandler)

func hello(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello over %s\n", r.Proto) }

// start serves app on a free port until the test ends, and returns the address.
func start(t *testing.T, app http.HandlerFunc, o serving.Options) (*serving.Server, string) {
	t.Helper()
	if o.Logger == nil {
		o.Logger = silent
	}
	s, err := serving.New(app, o)
	require.NoError(t, err)
	require.NoError(t, s.Listen("127.0.0.1:0"))
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		s.Close()
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return s, s.Addrs()[0].String()
}

// dial connects, sends text, and returns the connection with a deadline.
func dial(t *testing.T, addr, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute))
	_, err = io.WriteString(c, text)
	require.NoError(t, err)
	return c, bufio.NewReader(c)
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b)
}

func TestASlowHeaderIsAnswered408Once(t *testing.T) {
	t.Parallel()
	const answer = "HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Connection: close\r\nContent-Length: 41\r\n\r\nThe header of the request took too long.\n"
	_, addr := start(t, hello, serving.Options{HeaderTimeout: time.Second})
	for name, part := range map[string]string{
		"in the request line":       "GET / HT",
		"after one byte":            "G",
		"after a line":              "GET / HTTP/1.1\r\n",
		"in a field":                "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ",
		"after a field":             "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: 1\r\n",
		"in a line that is invalid": "GET / HTTP/1.1\r\nHost: a\r\nno field",
		"in an invalid method":      "\x01\x02",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, r := dial(t, addr, part)
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, answer, string(got))
		})
		if len(part) < 4 {
			continue // a kept connection waits for its first four bytes like an idle one
		}
		t.Run(name+" on a kept connection", func(t *testing.T) {
			t.Parallel()
			c, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			io.Copy(io.Discard, resp.Body)
			io.WriteString(c, part)
			got, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Equal(t, answer, string(got))
		})
	}
	t.Run("and nothing is said where nothing was asked", func(t *testing.T) {
		t.Parallel()
		_, r := dial(t, addr, "")
		answer, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Empty(t, answer)
	})
}

func TestALongHeaderIsAnswered431(t *testing.T) {
	_, addr := start(t, hello, serving.Options{MaxHeader: 1 << 10})
	_, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\nX: "+strings.Repeat("x", 16<<10)+"\r\n\r\n")
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, 431, resp.StatusCode)
}

func TestABodyThatStallsEnds(t *testing.T) {
	t.Parallel()
	got := make(chan error, 1)
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		got <- err
		httperror.Respond(w, r, err)
	}, serving.Options{StallTimeout: time.Second})
	_, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, 408, resp.StatusCode)
	require.ErrorIs(t, <-got, httperror.RequestTimeout)
}

func TestABodyThatGoesOnIsRead(t *testing.T) {
	t.Parallel()
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprint(w, len(b), err)
	}, serving.Options{StallTimeout: 3 * time.Second})
	c, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
	tick := time.NewTicker(400 * time.Millisecond)
	defer tick.Stop()
	for range 10 { // longer in total than the stall time
		<-tick.C
		io.WriteString(c, strings.Repeat("x", 100))
	}
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	b, _ := io.ReadAll(resp.Body)
	require.Equal(t, "1000 <nil>", string(b))
}

func TestAClientThatTakesNothingIsCut(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1<<20)
		for {
			if _, err := w.Write(b); err != nil {
				failed <- err
				return
			}
		}
	}, serving.Options{StallTimeout: 100 * time.Millisecond})
	dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	select {
	case err := <-failed:
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	case <-time.After(time.Minute):
		t.Fatal("the handler still writes")
	}
}

func TestAnApplicationSetsItsOwnWriteDeadline(t *testing.T) {
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute)))
		fmt.Fprint(w, "ok")
	}, serving.Options{StallTimeout: time.Second})
	c, r := dial(t, addr, "")
	for range 2 {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		b, _ := io.ReadAll(resp.Body)
		require.Equal(t, "ok", string(b))
	}
}

func TestAtTheLimitAnIdleOneMakesRoom(t *testing.T) {
	_, addr := start(t, hello, serving.Options{MaxConnections: 3})
	closed := make(chan error, 5)
	for range 5 {
		_, r := dial(t, addr, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		io.Copy(io.Discard, resp.Body)
		go func() {
			_, err := r.ReadByte()
			closed <- err
		}()
	}
	for range 2 {
		require.ErrorIs(t, <-closed, io.EOF)
	}
}

func TestARefusalReachesAClientThatStillSends(t *testing.T) {
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "too much", http.StatusRequestEntityTooLarge)
	}, serving.Options{})
	const size = 20 << 20
	c, r := dial(t, addr, fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", size))
	_, err := io.CopyN(c, zeros{}, size)
	require.NoError(t, err)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, 413, resp.StatusCode)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestAFileIsServedWhole(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	want := strings.Repeat("0123456789abcdef", 100_000)
	require.NoError(t, os.WriteFile(name, []byte(want), 0o600))
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) }, serving.Options{})
	resp, err := http.Get("http://" + addr)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, want, string(b))
}

func TestStaticFilesComeBeforeTheApplication(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.txt")
	require.NoError(t, os.WriteFile(name, []byte("a file"), 0o600))
	_, addr := start(t, hello, serving.Options{StaticFiles: map[string]string{"/static": dir, "/one": name}})
	require.Equal(t, "a file", get(t, http.DefaultClient, "http://"+addr+"/static/a.txt"))
	require.Equal(t, "a file", get(t, http.DefaultClient, "http://"+addr+"/one"))
	require.Equal(t, "hello over HTTP/1.1\n", get(t, http.DefaultClient, "http://"+addr+"/static/b.txt"))
}

func TestAPanicIsAnswered(t *testing.T) {
	boom := func(w http.ResponseWriter, r *http.Request) { panic("boom at " + r.URL.Path) }
	for debug, says := range map[bool]string{false: "Internal Server Error", true: "boom at /"} {
		_, addr := start(t, boom, serving.Options{Debug: debug})
		resp, err := http.Get("http://" + addr)
		require.NoError(t, err)
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		require.Equal(t, 500, resp.StatusCode)
		require.Contains(t, string(b), says)
	}
	_, addr := start(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("x", 1<<20))
		panic("too late")
	}, serving.Options{})
	resp, err := http.Get("http://" + addr)
	require.NoError(t, err)
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF, "what is cut can be told from what is whole")
}

func TestTheDashboardIsThereWithTheDebugger(t *testing.T) {
	ask := func(debug bool) (int, string) {
		_, addr := start(t, hello, serving.Options{Debug: debug})
		resp, err := http.Get("http://" + addr + "/.zeug/debugger/")
		require.NoError(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(b)
	}
	t.Setenv("ZEUG_DEBUG_PIN", "off")
	status, page := ask(true)
	require.Equal(t, 200, status)
	require.Contains(t, page, "none: “zeug run”")
	_, page = ask(false)
	require.Equal(t, "hello over HTTP/1.1\n", page)
	t.Setenv("ZEUG_DEBUG_PIN", "123-456-789")
	status, page = ask(true)
	require.Equal(t, 401, status)
	require.NotContains(t, page, "Goroutines")
	t.Setenv("ZEUG_DEBUG_PIN", "secret")
	_, err := serving.New(http.HandlerFunc(hello), serving.Options{Debug: true})
	require.ErrorContains(t, err, "ZEUG_DEBUG_PIN")
}

func TestProtocols(t *testing.T) {
	_, secure := start(t, hello, serving.Options{TLS: certs.SelfSigned()})
	_, plain := start(t, hello, serving.Options{H2C: true})
	for name, c := range map[string]struct {
		url   string
		one   bool
		two   bool
		clear bool
		says  string
	}{
		"HTTP/1.1 in the clear":     {url: "http://" + plain, one: true, says: "HTTP/1.1"},
		"HTTP/2 known beforehand":   {url: "http://" + plain, clear: true, says: "HTTP/2.0"},
		"HTTP/1.1 over TLS":         {url: "https://" + secure, one: true, says: "HTTP/1.1"},
		"HTTP/2 negotiated by ALPN": {url: "https://" + secure, two: true, says: "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			p := new(http.Protocols)
			p.SetHTTP1(c.one)
			p.SetHTTP2(c.two)
			p.SetUnencryptedHTTP2(c.clear)
			transport := &http.Transport{Protocols: p, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
			defer transport.CloseIdleConnections()
			resp, err := (&http.Client{Transport: transport}).Get(c.url)
			require.NoError(t, err)
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			require.Equal(t, "hello over "+c.says+"\n", string(b))
		})
	}
}

func TestHealth(t *testing.T) {
	var sick error
	var warnings atomic.Int64
	log := slog.New(slog.NewJSONHandler(counter{&warnings}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, addr := start(t, hello, serving.Options{
		Health: "/live", Ready: "/ready", DrainDelay: time.Second, Logger: log,
		Check: func(context.Context) error { return sick },
	})
	status := func(path string) int {
		resp, err := http.Get("http://" + addr + path)
		require.NoError(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	require.Equal(t, []int{200, 200}, []int{status("/live"), status("/ready")})
	sick = errors.New("no database")
	require.Equal(t, []int{200, 503}, []int{status("/live"), status("/ready")})
	require.Equal(t, int64(1), warnings.Load())
	sick = nil
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- s.Shutdown(ctx) }()
	require.Eventually(t, func() bool { return status("/ready") == 503 }, 5*time.Second, time.Millisecond)
	require.Equal(t, 200, status("/live"), "what drains is alive")
	require.Equal(t, int64(1), warnings.Load(), "a planned stop is not worth a warning")
	http.DefaultClient.CloseIdleConnections()
	cancel()
	<-stopped
}

// counter counts the written bytes.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) {
	c.n.Add(1)
	return len(b), nil
}

func TestOptionsAreRefused(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no.pem")
	junk := filepath.Join(t.TempDir(), "junk.pem")
	require.NoError(t, os.WriteFile(junk, []byte("junk"), 0o600))
	for name, c := range map[string]struct {
		o    serving.Options
		says string
	}{
		"a certificate that is not there": {serving.Options{TLS: certs.Files(missing, missing)}, "there is no certificate file"},
		"an invalid certificate":          {serving.Options{TLS: certs.Files(junk, junk)}, "cannot be used: both must be PEM"},
		"settings without certificate":    {serving.Options{TLS: certs.Config(&tls.Config{})}, "hold no certificate"},
		"a health path without slash":     {serving.Options{Health: "live"}, "begin it with a slash"},
		"static files that are not there": {serving.Options{StaticFiles: map[string]string{"/static": missing}}, "is not there"},
		"a check nobody asks":             {serving.Options{Check: func(context.Context) error { return nil }}, "give that a path"},
	} {
		t.Run(name, func(t *testing.T) {
			err := serving.Run("127.0.0.1:0", http.NotFoundHandler(), c.o)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\n")
			require.Equal(t, 78, serving.ExitCode(err))
		})
	}
	t.Run("no application", func(t *testing.T) {
		require.ErrorContains(t, serving.Run("127.0.0.1:0", nil, serving.Options{}), "no application")
	})
}

func ExampleServer() {
	s, err := serving.New(http.HandlerFunc(hello), serving.Options{NoAccessLog: true})
	if err != nil {
		panic(err)
	}
	if err := s.Listen("127.0.0.1:0"); err != nil {
		panic(err)
	}
	go s.Serve()
	resp, err := http.Get("http://" + s.Addrs()[0].String())
	if err != nil {
		panic(err)
	}
	io.Copy(os.Stdout, resp.Body)
	resp.Body.Close()
	fmt.Println(s.Shutdown(context.Background()))
	// Output:
	// hello over HTTP/1.1
	// <nil>
}
