package wsgi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/middleware"
)

// raw sends exactly the bytes of text as a request, and returns the response and its body.
func raw(t *testing.T, server *httptest.Server, text string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	for err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(in, nil)
	}
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp, string(body)
}

// A chunked body has a length, whether or not its client waits for 100 Continue.
func TestChunkedBodiesHaveALength(t *testing.T) {
	t.Parallel()
	l := shared(t)
	for name, expect := range map[string]string{"sent at once": "", "sent when asked for": "Expect: 100-continue\r\n"} {
		t.Run(name, func(t *testing.T) {
			resp, body := raw(t, l.server, "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"+expect+
				"\r\n4\r\nbody\r\n7\r\n pieces\r\n0\r\n\r\n")
			require.Equal(t, "body pieces", body)
			require.Equal(t, "11", resp.Header.Get("X-Length"))
		})
	}
}

// docs/python.md mentions that, since gunicorn does send the reason phrase.
func TestOnlyTheCodeOfAStatusIsSent(t *testing.T) {
	t.Parallel()
	resp, body := shared(t).ask("GET", "/sold-out", "")
	require.Equal(t, "404 Not Found", resp.Status)
	require.Equal(t, "sold out", body)
}

// A fragment is for the client. A fragment that is sent anyway belongs to neither the path nor the
// query.
func TestFragmentsAreLeftOut(t *testing.T) {
	t.Parallel()
	l := shared(t)
	for target, want := range map[string][]string{
		"/environ?a=1#top":     {"PATH_INFO='/environ'", "QUERY_STRING='a=1'"},
		"/environ#top":         {"PATH_INFO='/environ'", "QUERY_STRING=''"},
		"/environ#top?a=1":     {"PATH_INFO='/environ'", "QUERY_STRING=''"},
		"/environ/%23?a=%23":   {"PATH_INFO='/environ/#'", "QUERY_STRING='a=%23'"},
		"/environ/%23#top?a=1": {"PATH_INFO='/environ/#'", "QUERY_STRING=''"},
	} {
		t.Run(target, func(t *testing.T) {
			_, body := raw(t, l.server, "GET "+target+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			for _, line := range want {
				require.Contains(t, body+"\n", line+"\n")
			}
		})
	}
}

// SERVER_NAME and SERVER_PORT are the address at which the connection was accepted, and behind a
// proxy they are the host of the request, over TCP and unix sockets alike.
func TestTheServersName(t *testing.T) {
	t.Parallel()
	l := shared(t)
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000}
	for name, c := range map[string]struct {
		local      net.Addr
		forwarded  bool
		name, port string
	}{
		"over TCP":                          {local, false, "127.0.0.1", "5000"},
		"over TCP, behind a proxy":          {local, true, "shop.example", "443"},
		"over a unix socket":                {&net.UnixAddr{Name: "x"}, false, "internal", "8000"},
		"over a unix socket and by a proxy": {&net.UnixAddr{Name: "x"}, true, "shop.example", "443"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://internal:8000/environ", nil)
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local))
			if c.forwarded {
				r.Header.Set("X-Forwarded-Host", "shop.example")
				r.Header.Set("X-Forwarded-Proto", "https")
			}
			w := httptest.NewRecorder()
			middleware.ProxyFix{Host: 1, Proto: 1}.Wrap(l).ServeHTTP(w, r)
			require.Contains(t, w.Body.String(), fmt.Sprintf("\nSERVER_NAME='%s'\nSERVER_PORT='%s'\n", c.name, c.port))
		})
	}
}

// Flask passes exceptions on in its debug mode only.
func TestDebugShowsExceptionsOfFlask(t *testing.T) {
	long(t)
	t.Parallel()
	for name, c := range map[string]struct {
		env   []string
		debug bool
		shown bool
	}{
		"with Debug":                  {nil, true, true},
		"without":                     {nil, false, false},
		"unless the variable is told": {[]string{"FLASK_DEBUG=0"}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			l := run(t, wsgi.Config{App: "flask_app:app", Python: python(t, "flask"), Workers: 1, Env: c.env, Debug: c.debug})
			status, body := l.get("/raise")
			require.Equal(t, 500, status)
			require.Equal(t, c.shown, strings.Contains(body, "LookupError: in Flask"), body)
			require.Equal(t, c.shown, strings.Contains(l.log.String(), "workers get FLASK_DEBUG=1"))
		})
	}
}

// A client that left before its response is not a panic, and the access log says so.
func TestClientsThatLeaveBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{Workers: 1, Threads: 1})
	current := make(chan struct{})
	go func() {
		defer close(current)
		l.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/sleep?1", nil))
	}()
	require.Eventually(t, func() bool { return l.Stats().Workers[0].Busy == 1 }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	waited := make(chan int)
	go func() {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
		waited <- w.Code
	}()
	require.Eventually(t, func() bool { return l.Stats().Waiting == 1 }, 10*time.Second, time.Millisecond)
	cancel()
	require.Equal(t, 499, <-waited)
	<-current
}
