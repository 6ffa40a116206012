package webtest_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/webtest"
)

func TestLive(t *testing.T) {
	server := httptest.NewServer(echo)
	t.Cleanup(server.Close)
	c := webtest.Live(t, server.URL+"/app")
	var e echoed
	c.Post("/x%2Fy?q", webtest.JSON(1)).Expect(200).JSON(&e)
	require.Equal(t, "/app/x%2Fy?q", e.Target)
	require.Equal(t, "1", e.Body)
	require.Equal(t, server.Listener.Addr().String(), e.Host)

	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	c.With(webtest.Hosts("api.example:" + port)).Get("http://api.example:" + port + "/").Expect(200).JSON(&e)
	require.Equal(t, "api.example:"+port, e.Host)

	text := failure(t, func(r *recorder) { webtest.Live(r, server.URL).Get("http://other.example/") })
	require.Contains(t, text, "not one of the live server's")
	text = failure(t, func(r *recorder) { webtest.Live(r, server.URL).Get("/", webtest.RemoteAddr("192.0.2.1:1")) })
	require.Contains(t, text, "for handlers in memory")
	text = failure(t, func(r *recorder) { webtest.Live(r, "localhost") })
	require.Contains(t, text, "not an absolute URL")
}

func TestLiveSpeaksHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(echo)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Config.Protocols.SetHTTP1(true)
	server.Start()
	t.Cleanup(server.Close)
	c := webtest.Live(t, server.URL)
	require.Equal(t, "HTTP/2.0", c.Get("/", webtest.HTTP2).Proto)
	require.Equal(t, "HTTP/1.1", c.Get("/").Proto)
}

func TestLiveByATransportOfOnesOwn(t *testing.T) {
	server := httptest.NewTLSServer(setting)
	t.Cleanup(server.Close)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}}
	t.Cleanup(transport.CloseIdleConnections)
	c := webtest.Live(t, server.URL, webtest.Transport(transport))
	c.Get("/?set=a%3Db").Expect(200)
	require.Equal(t, "a=b", c.Get("/").Text())
}
