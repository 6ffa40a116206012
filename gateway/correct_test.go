package gateway_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
)

func TestCorrect(t *testing.T) {
	r := httptest.NewRequest("GET", "http://app.internal/x", nil)
	same := gateway.Correct(r, func(o gateway.Origin) gateway.Origin { return o })
	require.Same(t, r, same, "nothing to correct, nothing to copy")
	c := gateway.Correct(r, func(o gateway.Origin) gateway.Origin {
		require.Equal(t, gateway.OriginOf(r), o)
		o.RootPath = "/app"
		return o
	})
	require.Equal(t, "/app", gateway.RootPath(c))
}

// TestCorrections corrects an Origin twice, as two middlewares one inside the other do.
func TestCorrections(t *testing.T) {
	r := httptest.NewRequest("GET", "http://app.internal/x", nil)
	client := netip.MustParseAddrPort("203.0.113.9:0")
	o := gateway.OriginOf(r)
	o.Scheme, o.Host, o.Client = "https", "example.org", client
	c := gateway.WithOrigin(r, o)
	require.Equal(t, gateway.Origin{Scheme: "https", Host: "example.org", Client: client}, gateway.OriginOf(c))
	require.Equal(t, "example.org", c.Host)
	require.Equal(t, "203.0.113.9:0", c.RemoteAddr)
	require.Equal(t, gateway.OriginOf(r), gateway.Received(c))
	require.Equal(t, "app.internal", r.Host)

	o = gateway.OriginOf(c)
	o.RootPath = "/app"
	again := gateway.WithOrigin(c, o)
	require.Equal(t, "/app", gateway.RootPath(again))
	require.Equal(t, "203.0.113.9:0", again.RemoteAddr)
	require.Equal(t, gateway.OriginOf(r), gateway.Received(again), "what the server saw")
}
