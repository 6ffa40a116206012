package middleware_test

import (
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
)

// The configuration that docs/middleware.md shows, with nginx itself.
func TestProxyFixBehindNginx(t *testing.T) {
	if testing.Short() {
		t.Skip("starts nginx")
	}
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("nginx is not installed")
	}
	app := httptest.NewServer(middleware.ProxyFix{For: 1, Proto: 1, Host: 1, Prefix: 1, Trusted: networks("127.0.0.0/8")}.Wrap(origin))
	defer app.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	front := listener.Addr().String()
	listener.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `
daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1; user root;
events {}
http {
	access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
	server {
		listen %[2]s;
		location /app/ {
			proxy_pass %[3]s/;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header X-Forwarded-Host $http_host;
			proxy_set_header X-Forwarded-Prefix /app;
		}
	}
}`, dir, front, app.URL), 0o600))
	server := exec.Command(nginx, "-c", conf, "-p", dir, "-e", "stderr")
	server.Stderr = os.Stderr
	require.NoError(t, server.Start())
	defer func() {
		server.Process.Signal(os.Interrupt)
		server.Wait()
	}()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", front)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)

	want := "127.0.0.1:0 http://" + front + "/app"
	c := webtest.Live(t, "http://"+front)
	require.Equal(t, want, c.Get("/app/x").Text())
	require.Equal(t, want, c.Get("/app/x", webtest.Header("X-Forwarded-For", "6.6.6.6", `"`), webtest.Header("X-Forwarded-Proto", "https"),
		webtest.Header("X-Forwarded-Host", "evil.example"), webtest.Header("X-Forwarded-Prefix", "//evil.example"), webtest.Header("Forwarded", "for=6.6.6.6")).Text(),
		"whatever a client claims")
	require.NotEqual(t, want, webtest.Live(t, app.URL).Get("/x").Text())
}
