package gateway_test

import (
	"crypto/tls"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
)

func TestMount(t *testing.T) {
	for _, c := range []struct {
		name, target, prefix string
		root, path           string
		refused              bool
	}{
		{name: "segments move", target: "/api/x", prefix: "/api", root: "/api", path: "/x"},
		{name: "the prefix itself leaves a slash", target: "/api", prefix: "/api", root: "/api", path: "/"},
		{name: "a slash at the prefix's end is ignored", target: "/api/x", prefix: "/api/", root: "/api", path: "/x"},
		{name: "an encoded slash stays encoded", target: "/api/a%2Fb", prefix: "/api", root: "/api", path: "/a%2Fb"},
		{name: "what needs no escape gets none", target: "/api/a!'()*", prefix: "/api", root: "/api", path: "/a!'()*"},
		{name: "spellings of one segment agree", target: "/%c3%a4/x", prefix: "/%C3%A4", root: "/%c3%a4", path: "/x"},
		{name: "double slashes are kept", target: "/api//x", prefix: "/api", root: "/api", path: "//x"},
		{name: "nothing is mounted away by a slash", target: "/x", prefix: "/", root: "", path: "/x"},
		{name: "half a segment is refused", target: "/apix", prefix: "/api", refused: true, path: "/apix"},
		{name: "a shorter path is refused", target: "/a", prefix: "/a/b", refused: true, path: "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", c.target, nil)
			m, ok := gateway.Mount(r, c.prefix)
			require.Equal(t, !c.refused, ok)
			require.Equal(t, c.path, m.URL.EscapedPath())
			require.Equal(t, c.root, gateway.RootPath(m))
			require.Equal(t, c.target, r.URL.EscapedPath(), "the original request is untouched")
		})
	}
}

func TestMountsAddUp(t *testing.T) {
	r := httptest.NewRequest("GET", "/a/b/c?q=1", nil)
	r, _ = gateway.Mount(r, "/a")
	r, _ = gateway.Mount(r, "/b")
	require.Equal(t, "/a/b", gateway.RootPath(r))
	require.Equal(t, "/c?q=1", r.URL.String())
	require.Empty(t, gateway.Received(r).RootPath)
}

func TestOriginIsShownByTheRequestUntilStated(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.TLS = &tls.ConnectionState{}
	r.RemoteAddr = "[2001:db8::1]:7"
	require.Equal(t, gateway.Origin{Scheme: "https", Host: "example.com", Client: netip.MustParseAddrPort("[2001:db8::1]:7")}, gateway.OriginOf(r))

	o := gateway.Origin{Scheme: "http", Host: "other.org", Client: netip.MustParseAddrPort("192.0.2.9:0")}
	s := gateway.WithOrigin(r, o)
	require.Equal(t, o, gateway.OriginOf(s))
	require.Equal(t, "https", gateway.Received(s).Scheme)
	require.Equal(t, "other.org", s.Host)
	require.Equal(t, "192.0.2.9:0", s.RemoteAddr)
	require.Equal(t, "example.com", r.Host)
}
