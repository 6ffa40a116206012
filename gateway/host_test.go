package gateway_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
)

func TestHost(t *testing.T) {
	for _, host := range []string{
		"example.org", "EXAMPLE.org:80", "localhost", "a-b.c.", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[2001:db8::1]:8080", "xn--bcher-kva.example",
	} {
		require.True(t, gateway.ValidHost(host), "%q is one", host)
	}
	for _, host := range []string{
		"", ":80", "a b", "a/b", "a\\b", "a@b", "a,b", "a%62", "bücher.example", "a:", "a:b", "a:65536", "a:1:2", "::1", "[::1", "[::1]x", "[::1]:", "[::1%eth0]",
		"[1.2.3.4]", "a\r\nb", "a\x00", "-\"", strings.Repeat("a", 256),
	} {
		require.False(t, gateway.ValidHost(host), "%q is none", host)
	}
}
