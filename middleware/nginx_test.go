package middleware_test

import (
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
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
	page, err := os.ReadFile("../docs/middleware.md")
	require.NoError(t, err)
	_, site, _ := strings.Cut(string(page), "```nginx\n")
	site, _, closed := strings.Cut(site, "```")
	require.True(t, closed)
	site = strings.Replace(site, "http://127.0.0.1:5000/", app.URL+"/", 1)
	front := "127.0.0.1:" + freeport.Port(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, `
daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1; user root;
events {}
http {
	access_log off; client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;
	server {
		listen %[2]s;
		%[3]s
	}
}`, dir, front, site), 0o600))
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
