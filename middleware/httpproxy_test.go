package middleware_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
)

type seen struct {
	URI, Host string
	Header    http.Header
}

// upstream responds with a description of the request.
func upstream(t *testing.T) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(seen{r.RequestURI, r.Host, r.Header})
	}))
	t.Cleanup(server.Close)
	return server
}

func through(t *testing.T, p middleware.HTTPProxy, target string, change ...func(*http.Request)) seen {
	t.Helper()
	w := ask(p.Wrap(http.NotFoundHandler()), "GET", target, change...)
	require.Equal(t, 200, w.Code, w.Body.String())
	var s seen
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &s))
	return s
}

func TestHTTPProxyTargets(t *testing.T) {
	up := upstream(t)
	host := strings.TrimPrefix(up.URL, "http://")
	p := middleware.HTTPProxy{Targets: map[string]middleware.ProxyTarget{
		"/foo":     {URL: up.URL, Host: "faked.invalid", Headers: http.Header{"x-special": {"foo"}}},
		"/bar":     {URL: up.URL + "/base/", RemovePrefix: true, PreserveHost: true},
		"/auto":    {URL: up.URL},
		"/foo/own": {URL: up.URL + "/deep"},
	}}
	for _, c := range []struct{ name, target, uri, host string }{
		{"the prefix stays", "/foo/bar", "/foo/bar", "faked.invalid"},
		{"the prefix goes", "/bar/x/y", "/base/x/y", "example.com"},
		{"the prefix itself goes", "/bar", "/base/", "example.com"},
		{"the host is the target's", "/auto/$", "/auto/$", host},
		{"the longest prefix wins", "/foo/own/x", "/deep/foo/own/x", host},
		{"escapes stay", "/auto/a%2Fb%20c%3F", "/auto/a%2Fb%20c%3F", host},
		{"queries stay to the byte", "/auto/?a=1;b=%zz&&c", "/auto/?a=1;b=%zz&&c", host},
		{"double slashes stay", "/auto//x//", "/auto//x//", host},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := through(t, p, c.target)
			require.Equal(t, c.uri, s.URI)
			require.Equal(t, c.host, s.Host)
		})
	}
	require.Equal(t, "foo", through(t, p, "/foo/").Header.Get("X-Special"))
	for _, other := range []string{"/", "/food", "/fo"} {
		require.Equal(t, 404, ask(p.Wrap(http.NotFoundHandler()), "GET", other).Code, "%s is the application's", other)
	}
}

func TestHTTPProxySaysWhoAsked(t *testing.T) {
	up := upstream(t)
	p := middleware.HTTPProxy{Targets: map[string]middleware.ProxyTarget{"/api": {URL: up.URL, RemovePrefix: true}}}
	s := through(t, p, "/api/x", header("X-Forwarded-For", "6.6.6.6", "X-Forwarded-Prefix", "/evil", "X-Forwarded-Port", "6", "Connection", "X-Secret", "X-Secret", "1"), func(r *http.Request) {
		o := gateway.OriginOf(r)
		o.Scheme, o.Host, o.RootPath, o.Client = "https", "public.example", "/app", netip.MustParseAddrPort("192.0.2.7:0")
		*r = *gateway.WithOrigin(r, o)
	})
	require.Equal(t, "192.0.2.7", s.Header.Get("X-Forwarded-For"))
	require.Equal(t, "public.example", s.Header.Get("X-Forwarded-Host"))
	require.Equal(t, "https", s.Header.Get("X-Forwarded-Proto"))
	require.Equal(t, "/app/api", s.Header.Get("X-Forwarded-Prefix"))
	require.Empty(t, s.Header.Get("X-Forwarded-Port"))
	require.Empty(t, s.Header.Get("X-Secret"), "what Connection names is for this hop")
	require.Equal(t, "/x", s.URI)
}

func TestHTTPProxyFailures(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	proxied := func(url string, timeout time.Duration) http.Handler {
		return middleware.HTTPProxy{Timeout: timeout, Logger: quiet, Targets: map[string]middleware.ProxyTarget{"/": {URL: url}}}.Wrap(ok)
	}
	t.Run("a server that is not there is 502 with a page", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		require.NoError(t, l.Close())
		w := ask(proxied("http://"+l.Addr().String(), 0), "GET", "/", header("Accept", "text/html"))
		require.Equal(t, 502, w.Code)
		require.Contains(t, w.Body.String(), "Bad Gateway")
		require.NotContains(t, w.Body.String(), l.Addr().String(), "the cause is for the log")
	})
	t.Run("a server that is too slow is 504", func(t *testing.T) {
		hold := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-hold }))
		defer slow.Close()
		defer close(hold)
		require.Equal(t, 504, ask(proxied(slow.URL, 30*time.Millisecond), "GET", "/").Code)
	})
	t.Run("a server that talks nonsense is 502", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = io.WriteString(conn, "nonsense\r\n\r\n")
			_ = conn.Close()
		}()
		require.Equal(t, 502, ask(proxied("http://"+l.Addr().String(), time.Second), "GET", "/").Code)
	})
	for _, target := range []string{"", "127.0.0.1:80", "ftp://x", "http://", "http://x/?q=1", "http://x/#f", "://"} {
		t.Run("refused: "+target, func(t *testing.T) { require.Panics(t, func() { proxied(target, 0) }) })
	}
	require.Panics(t, func() {
		middleware.HTTPProxy{Targets: map[string]middleware.ProxyTarget{"/a": {URL: "http://x"}, "a/": {URL: "http://x"}}}.Wrap(ok)
	}, "one prefix twice")
}

func TestHTTPProxyUpgrades(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		line, _ := rw.ReadString('\n')
		fmt.Fprint(conn, "echo: "+line)
	}))
	defer up.Close()
	front := httptest.NewServer(middleware.HTTPProxy{Targets: map[string]middleware.ProxyTarget{"/ws": {URL: up.URL}}}.Wrap(ok))
	defer front.Close()
	conn, err := net.Dial("tcp", front.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprint(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, 101, resp.StatusCode)
	fmt.Fprint(conn, "hello\n")
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "echo: hello\n", line)
}

func TestHTTPProxyStreams(t *testing.T) {
	next := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "first\n")
		_ = http.NewResponseController(w).Flush()
		<-next
		_, _ = io.WriteString(w, "second\n")
	}))
	defer up.Close()
	front := httptest.NewServer(middleware.HTTPProxy{Targets: map[string]middleware.ProxyTarget{"/": {URL: up.URL}}}.Wrap(ok))
	defer front.Close()
	resp, err := http.Get(front.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	line, err := r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "first\n", line)
	close(next)
	line, err = r.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "second\n", line)
}

// Records of a failure name the request of the client, not the request to the
// other server.
func TestHTTPProxyFailuresNameTheRequest(t *testing.T) {
	var failed *http.Request
	h := httperror.Responder(func(w http.ResponseWriter, r *http.Request, err error) {
		failed = r
		httperror.Respond(w, r, err)
	}).Wrap(middleware.HTTPProxy{
		Targets: map[string]middleware.ProxyTarget{"/api": {URL: "http://127.0.0.1:1/base", RemovePrefix: true}},
		Logger:  slog.New(slog.DiscardHandler),
	}.Wrap(ok))
	require.Equal(t, 502, ask(h, "GET", "http://public.example/api/x?y=1").Code)
	require.Equal(t, "/api/x", failed.URL.Path)
	require.Equal(t, "public.example", failed.Host)
}
