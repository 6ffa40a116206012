package hosts_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/hosts"
)

func TestValid(t *testing.T) {
	for _, host := range []string{
		"example.org", "EXAMPLE.org:80", "localhost", "a-b.c.", "127.0.0.1", "127.0.0.1:65535", "[::1]", "[2001:db8::1]:8080", "xn--bcher-kva.example",
		"a.", "3com.example", "a:1", strings.Repeat("a", 63) + ".example", "1a",
	} {
		require.True(t, hosts.Valid(host), "%q is valid", host)
	}
	for _, host := range []string{
		"", ":80", "a b", "a/b", "a\\b", "a@b", "a,b", "a%62", "bücher.example", "a:", "a:b", "a:65536", "a:1:2", "::1", "[::1", "[::1]x", "[::1]:", "[::1%eth0]",
		"[1.2.3.4]", "a\r\nb", "a\x00", "-\"", strings.Repeat("a", 256),
		".", "..", "-", "a..b", ".a", "a..", "-a", "a-", "a.-b", "a.b-.c", "a:0", "a:00", "[::1]:0", "1.2.3", "256.1.1.1", "7", "a.7", strings.Repeat("a", 64) + ".example",
	} {
		require.False(t, hosts.Valid(host), "%q is not valid", host)
	}
}

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		host, name, port string
		ok               bool
	}{
		{"a.example", "a.example", "", true},
		{"a.example:80", "a.example", "80", true},
		{"[::1]", "[::1]", "", true},
		{"[::1]:80", "[::1]", "80", true},
		{"", "", "", true},
		{":80", "", "80", true},
		{"a:", "a", "", false},
		{"[::1", "", "", false},
		{"[::1]:", "[::1]", "", false},
		{"[::1]x", "[::1]", "", false},
	} {
		name, port, ok := hosts.Split(test.host)
		require.Equal(t, test, struct {
			host, name, port string
			ok               bool
		}{test.host, name, port, ok})
	}
}

func TestDefaultPort(t *testing.T) {
	for scheme, want := range map[string]string{"http": "80", "ws": "80", "https": "443", "wss": "443", "ftp": "", "": ""} {
		require.Equal(t, want, hosts.DefaultPort(scheme), scheme)
	}
}

func TestIsLocal(t *testing.T) {
	for _, host := range []string{"localhost", "LOCALHOST:5000", "shop.localhost", "localhost.", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:80", "::1"} {
		require.True(t, hosts.IsLocal(host), host)
	}
	for _, host := range []string{"", "example.org", "localhost.example.org", "notlocalhost", "10.0.0.1", "[::2]:80"} {
		require.False(t, hosts.IsLocal(host), host)
	}
}

func TestNormalize(t *testing.T) {
	for _, test := range []struct{ host, scheme, want string }{
		{"EXAMPLE.org:80", "http", "example.org"},
		{"example.org:80", "https", "example.org:80"},
		{"example.org:443", "wss", "example.org"},
		{"example.org.:8080", "http", "example.org:8080"},
		{"example.org:80", "", "example.org"},
		{"bücher.example", "http", "xn--bcher-kva.example"},
		{"[::1]:80", "http", "[::1]"},
		{"[::1]:8080", "http", "[::1]:8080"},
		{"", "http", ""},
	} {
		got, err := hosts.Normalize(test.host, test.scheme)
		require.NoError(t, err)
		require.Equal(t, test.want, got)
	}
	for _, host := range []string{"a..b", ".a", strings.Repeat("a", 64), strings.Repeat("a.", 128) + "a"} {
		_, err := hosts.Normalize(host, "http")
		require.Error(t, err, host)
	}
}
