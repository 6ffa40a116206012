package urls_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/urls"
)

func TestIRIToURI(t *testing.T) {
	for _, c := range []struct{ name, iri, want string }{
		{"every part", "http://üser:päss@☃.net:80/påth?q=èry%DF#frägment", "http://%C3%BCser:p%C3%A4ss@xn--n3h.net:80/p%C3%A5th?q=%C3%A8ry%DF#fr%C3%A4gment"},
		{"a path alone", "/path with space", "/path%20with%20space"},
		{"escapes stay", "/a%2Fb%ff%", "/a%2Fb%ff%"},
		{"what separates stays", "/a;b=c,d/e?f=g&h=i;j/k?l", "/a;b=c,d/e?f=g&h=i;j/k?l"},
		{"brackets do not", "/a[b](c)?d[]=e", "/a%5Bb%5D(c)?d%5B%5D=e"},
		{"a backslash does not", `/\evil.example`, "/%5Cevil.example"},
		{"not in a host", `http://a\@evil.example/`, "http://a%5C@evil.example/"},
		{"line ends do not", "/a\r\nSet-Cookie: b", "/a%0D%0ASet-Cookie:%20b"},
		{"bytes that are not UTF-8", "/\xff", "/%FF"},
		{"an address", "http://[2001:DB8::1]:80/", "http://[2001:db8::1]:80/"},
		{"a host in capitals", "http://EXAMPLE.com/A", "http://example.com/A"},
		{"a host that IDNA refuses", "http://a b.ü..x/", "http://a%20b.%C3%BC..x/"},
		{"a scheme that is not known", "itms-services://?action=x", "itms-services://?action=x"},
		{"no authority", "mailto:jürgen@example.com", "mailto:j%C3%BCrgen@example.com"},
		{"a port of no digits", "http://example.com:/", "http://example.com/"},
		{"an empty query", "/a?", "/a?"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := urls.IRIToURI(c.iri)
			require.Equal(t, c.want, got)
			require.Equal(t, got, urls.IRIToURI(got), "twice changes nothing")
		})
	}
}

func TestURIToIRI(t *testing.T) {
	for _, c := range []struct{ name, uri, want string }{
		{"every part", "http://%C3%BCser:p%C3%A4ss@xn--n3h.net:80/p%C3%A5th?q=%C3%A8ry%DF#fr%C3%A4g", "http://üser:päss@☃.net:80/påth?q=èry%DF#fräg"},
		{"what separates stays escaped", "/a%2fb%3F%23?c=%26%3d%2B%23#%23", "/a%2fb%3F%23?c=%26%3d%2B%23##"},
		{"spaces, controls and percent signs too", "/%20%0a%25%7F", "/%20%0a%25%7F"},
		{"bytes that are not UTF-8", "/%e4%C3%BC", "/%E4ü"},
		{"half a character beside an escape that stays", "/%C3%20%BC", "/%C3%20%BC"},
		{"a label that is not valid", "http://xn--zzz--.xn--n3h.net/", "http://xn--zzz--.☃.net/"},
		{"an at sign in a name", "http://a%40b:c%3Ad@e/", "http://a%40b:c%3Ad@e/"},
		{"invalid escapes", "/%zz%", "/%zz%"},
		{"digits that would make an escape of a percent sign", "/%%366%6%36%%41?%%2541", "/%%366%6%36%%41?%%2541"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := urls.URIToIRI(c.uri)
			require.Equal(t, c.want, got)
			require.Equal(t, got, urls.URIToIRI(got), "twice changes nothing")
		})
	}
}

// TestJoin has the examples of RFC 3986, section 5.4.
func TestHosts(t *testing.T) {
	for _, host := range []string{"example.com", "example.com:8080", "127.0.0.1", "[::1]", "[::1]:80", "[::ffff:1.2.3.4]", "a-b.c"} {
		require.Equal(t, host, urls.Host("", host, ""))
	}
	for _, host := range []string{"", ":80", "a b", "a/b", "a@b", "a:b", "a:", "ü.de", "[::1", "[x]", "[]", "::1", "a:80:80", "a_b", "a\r\n", "[::1]x", "[1.2:3]"} {
		require.Equal(t, "", urls.Host("", host, ""), host)
	}
	for _, c := range []struct {
		name, host string
		trusted    []string
		want       bool
	}{
		{"nobody named, everybody trusted", "a.example", nil, true},
		{"nobody named, but no host", "a b", nil, false},
		{"the name", "a.example:80", []string{"a.example"}, true},
		{"a name below", "b.a.example", []string{"a.example"}, false},
		{"a name below, allowed", "b.a.example", []string{".a.example"}, true},
		{"the name itself, where those below are allowed", "a.example", []string{".a.example"}, true},
		{"a name that only ends so", "evila.example", []string{".a.example"}, false},
		{"another case", "A.Example", []string{"a.eXample"}, true},
		{"a name in a script", "xn--n3h.net", []string{"☃.net:80"}, true},
		{"one of several", "b", []string{"a", "b"}, true},
		{"an invalid name is skipped", "b", []string{"a b ü", "b"}, true},
		{"an address in brackets", "[::1]:80", []string{"[::1]"}, true},
		{"another address", "[::2]:80", []string{"[::1]"}, false},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, urls.HostTrusted(c.host, c.trusted)) })
	}
	require.Equal(t, "a.example", urls.Host("http", "a.example:80", ""))
	require.Equal(t, "a.example:80", urls.Host("https", "a.example:80", ""))
	require.Equal(t, "a.example", urls.Host("wss", "a.example:443", ""))
	require.Equal(t, "[::1]:8080", urls.Host("http", "", "[::1]:8080"))
	require.Equal(t, "", urls.Host("http", "a b", "server:80"), "a host that was sent is not replaced")
	require.Equal(t, "", urls.Host("http", "", ""))
}

func TestHostToASCII(t *testing.T) {
	for host, want := range map[string]string{"example.com": "example.com", "Example.COM.": "Example.COM.", "пример.рф": "xn--e1afmkfd.xn--p1ai", "a_b": "a_b"} {
		got, err := urls.HostToASCII(host)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, host := range []string{"", "a..b", "a b", "a;b", "ü;", strings.Repeat("a", 64), strings.Repeat("a.", 128), "[::1]"} {
		_, err := urls.HostToASCII(host)
		require.Error(t, err, host)
	}
}

// FuzzIRI compares the two directions with each other.
func FuzzIRI(f *testing.F) {
	for _, seed := range []string{"http://üser:päss@☃.net:80/påth?q=èry%DF#f", "/a%2F%25%zz%\xff", "//\\evil", "a:b@c", "http://[::1]:9/", "?#", "xn--", "http://xn--n3h.net/%C3%20%BC", "A000://0:", "A000://0::", "a://0:80::", "a://0::80", "a://[::]:", "a://[::", "%%666", "%6%36", "%%366"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		uri := urls.IRIToURI(s)
		require.Equal(t, uri, urls.IRIToURI(uri))
		require.False(t, strings.ContainsAny(uri, " \\\"<>\r\n\t\x00"), "%q", uri)
		for i := range len(uri) {
			require.Less(t, uri[i], byte(utf8.RuneSelf))
		}
		iri := urls.URIToIRI(uri)
		require.Equal(t, iri, urls.URIToIRI(iri))
		require.True(t, utf8.ValidString(iri))
	})
}
