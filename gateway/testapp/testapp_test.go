package testapp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/testapp"
)

func ask(r *http.Request) (*http.Response, string) {
	w := httptest.NewRecorder()
	testapp.App.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

func TestBothOriginsAreShown(t *testing.T) {
	r := httptest.NewRequest("GET", "http://10.0.0.7:8080/a%2Fb?q=1", nil)
	r = gateway.WithOrigin(r, gateway.Origin{
		Scheme: "https", Host: "example.org", RootPath: "/app", Client: netip.MustParseAddrPort("192.0.2.9:0"),
	})
	resp, body := ask(r)
	require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
	require.Equal(t, fmt.Sprint(len(body)), resp.Header.Get("Content-Length"))
	corrected, received, _ := strings.Cut(body, "Origin as received")
	require.Contains(t, corrected, "Scheme: https\n  Host: example.org\n  RootPath: /app\n  Client: 192.0.2.9:0\n")
	require.Contains(t, received, "Scheme: http\n  Host: 10.0.0.7:8080\n  RootPath: \n")
	require.Contains(t, body, "Request target: http://10.0.0.7:8080/a%2Fb?q=1\n  Path: /a/b\n  Query: q=1\n")
}

func TestCredentialsAreNotShown(t *testing.T) {
	for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set(name, "hunter2")
		_, body := ask(r)
		require.Contains(t, body, name+": (7 bytes, not shown)\n")
		require.NotContains(t, body, "hunter2")
	}
}

func TestWhatAClientSentStaysText(t *testing.T) {
	hostile := "<script>alert(1)</script>\x1b[2J\r\nGo: 0.1"
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["X-Hostile"] = []string{hostile}
	_, text := ask(r)
	require.Contains(t, text, `X-Hostile: <script>alert(1)</script>\x1b[2J\r\nGo: 0.1`+"\n")

	r.Header.Set("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
	resp, page := ask(r)
	require.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	require.Equal(t, "default-src 'none'; style-src 'unsafe-inline'", resp.Header.Get("Content-Security-Policy"))
	require.NotContains(t, page, "<script>")
	require.Contains(t, page, "&lt;script&gt;")
}

func TestAUnixSocketHasNoClient(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader("x"))
	r.RemoteAddr, r.ContentLength, r.TransferEncoding = "@", -1, []string{"chunked"}
	_, body := ask(r)
	require.Contains(t, body, "Client: none (a unix socket, say)")
	require.Contains(t, body, "Content length: unknown\n  Transfer coding: chunked\n")
}

func ExampleApp() {
	w := httptest.NewRecorder()
	testapp.App.ServeHTTP(w, httptest.NewRequest("GET", "http://example.org/app/?q=1", nil))
	fmt.Println(strings.Join(strings.Split(w.Body.String(), "\n")[:3], "\n"))
	// Output:
	// Origin
	//   Scheme: http
	//   Host: example.org
}
