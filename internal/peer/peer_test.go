//go:build unix

package peer_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/peer"
)

// TestMain makes the test binary a client that runs as another user.
func TestMain(m *testing.M) {
	if target := os.Getenv("PEER_TEST_DIAL"); target != "" {
		network, addr, _ := strings.Cut(target, " ")
		c, err := net.Dial(network, addr)
		if err == nil {
			fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			_, err = bufio.NewReader(c).WriteTo(os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve responds with the facts that are known about the client.
func serve(t *testing.T, l net.Listener) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A middleware may have set another client.
		o := gateway.OriginOf(r)
		r = gateway.WithOrigin(r, gateway.Origin{Scheme: o.Scheme, Host: o.Host})
		r.RemoteAddr = "127.0.0.1:1"
		p := peer.Of(r)
		uid, known := p.User()
		fmt.Fprintf(w, "%d %t %t", uid, known, p.IsOwn())
	}))
	s.Listener.Close()
	s.Listener, s.Config.ConnContext = l, peer.ConnContext
	s.Start()
	t.Cleanup(s.Close)
}

func listen(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil && strings.Contains(addr, ":1]") {
		t.Skip("no IPv6")
	}
	require.NoError(t, err)
	return l
}

func TestThePeersUserIsKnown(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	dir, err := os.MkdirTemp("/tmp", "peer")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	own := fmt.Sprintf("%d true true", os.Getuid())
	for _, c := range []struct{ name, network, listen, dial string }{
		{"IPv4", "tcp", "127.0.0.1:0", "127.0.0.1:%s"},
		{"IPv6", "tcp", "[::1]:0", "[::1]:%s"},
		{"IPv4 at a listener for both", "tcp", ":0", "127.0.0.1:%s"},
		{"another address of the loopback network", "tcp", "127.0.0.2:0", "127.0.0.2:%s"},
		{"a unix socket", "unix", filepath.Join(dir, "socket"), filepath.Join(dir, "socket")},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listen(t, c.network, c.listen)
			target := c.dial
			if c.network == "unix" {
				require.NoError(t, os.Chmod(c.listen, 0o777))
			} else {
				_, port, err := net.SplitHostPort(l.Addr().String())
				require.NoError(t, err)
				target = fmt.Sprintf(c.dial, port)
			}
			serve(t, l)
			dialled := "tcp"
			if c.network == "unix" {
				dialled = "unix"
			}
			require.Contains(t, dial(t, dialled+" "+target, nil), own)
			if os.Getuid() == 0 {
				other := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
				require.Contains(t, dial(t, dialled+" "+target, other), "65534 true false")
			}
		})
	}
}

// dial sends the request from a separate process.
func dial(t *testing.T, target string, as *syscall.SysProcAttr) string {
	t.Helper()
	// The copy is outside the folder of the test binary, which another user may
	// not enter.
	binary := filepath.Join("/tmp", fmt.Sprintf("peer-test-%d", os.Getpid()))
	content, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, content, 0o755))
	defer os.Remove(binary)
	cmd := exec.Command(binary)
	cmd.Dir, cmd.SysProcAttr = "/", as
	cmd.Env = append(os.Environ(), "PEER_TEST_DIAL="+target)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

func TestUnknownPeersAreNobody(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "127.0.0.1:4711"
	require.False(t, peer.Of(r).IsOwn(), "no connection")
	local := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9}
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
	require.False(t, peer.Of(r).IsOwn(), "a connection that does not exist")
	for _, text := range []string{"", "a|b", "||x|true", "127.0.0.1:1|127.0.0.1:2|-1|yes"} {
		p := peer.Parse(text)
		require.False(t, p.IsOwn() || p.Admitted, text)
	}
}

func TestAPeerIsPassedOn(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	for _, p := range []peer.Peer{{UID: peer.Unknown}, {UID: 7, Admitted: true, Exchange: 3, Profile: `/<regex("a|b c"):x>/é`}, peer.Of(r)} {
		require.Equal(t, p, peer.Parse(p.String()))
		require.Equal(t, p, peer.Of(r.WithContext(peer.With(r.Context(), p))))
	}
}

func TestTriesAreCountedBySource(t *testing.T) {
	of := func(remote string) string {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		return peer.Of(r).Source()
	}
	require.Equal(t, of("192.0.2.1:1"), of("192.0.2.1:2"))
	require.NotEqual(t, of("192.0.2.1:1"), of("192.0.2.2:1"))
	require.Equal(t, of("[2001:db8::1]:1"), of("[2001:db8::2]:1"), "one network has many addresses")
	require.NotEqual(t, of("192.0.2.1:1"), of("@"))
}
