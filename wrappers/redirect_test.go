package wrappers_test

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/wrappers"
)

func TestRedirect(t *testing.T) {
	for _, c := range []struct{ name, location, sent string }{
		{"a path", "/a?b=c#d", "/a?b=c#d"},
		{"a relative path", "a/../b", "a/../b"},
		{"a query", "?q=1", "?q=1"},
		{"a URL", "http://example.com", "http://example.com"},
		{"an IRI", "/füübär", "/f%C3%BC%C3%BCb%C3%A4r"},
		{"a host of another script", "http://☃.example.com/", "http://xn--n3h.example.com/"},
		{"another scheme", "itms-services://?url=abc", "itms-services://?url=abc"},
		{"escapes stay", "/a%20b%2Fc%", "/a%20b%2Fc%"},
		{"spaces", "/a b", "/a%20b"},
		{"backslashes are not slashes", `/\evil.example`, "/%5Cevil.example"},
		{"not many of them", `\\evil.example\x`, "%5C%5Cevil.example%5Cx"},
		{"a tab, which browsers skip", "/\t/evil.example", "/%09/evil.example"},
		{"a line break", "/a\r\nSet-Cookie: b=c", "/a%0D%0ASet-Cookie:%20b=c"},
		{"a NUL", "/\x00", "/%00"},
		{"quotes", `/"><script>`, "/%22%3E%3Cscript%3E"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := wrappers.Redirect(c.location)
			for range 2 {
				w := serve(resp, "GET", nil)
				require.Equal(t, 303, w.Code)
				require.Equal(t, []string{c.sent}, w.Header()["Location"])
				require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
				require.NotContains(t, w.Body.String(), "<script>")
				require.NotContains(t, w.Header(), "Set-Cookie")
			}
			u, err := url.Parse(c.sent)
			if err == nil && !strings.Contains(c.location, "://") {
				require.Empty(t, u.Host)
			}
		})
	}
}

func TestAppendSlashRedirect(t *testing.T) {
	for target, want := range map[string]string{
		"/foo":                    "foo/",
		"/foo/bar?x=1&y=%20":      "bar/?x=1&y=%20",
		"/foo/":                   "./",
		"/":                       "./",
		"/a%20b":                  "a%20b/",
		"/a%3Fb%23c":              "a%3Fb%23c/",
		"/a%2Fb":                  "a%2Fb/",
		"/javascript:alert(1)":    "javascript%3Aalert(1)/",
		"//evil.example":          "evil.example/",
		`/%5Cevil.example`:        "%5Cevil.example/",
		"/x?next=http://evil.org": "x/?next=http://evil.org",
	} {
		r := httptest.NewRequest("GET", "http://example.org"+target, nil)
		w := serve(wrappers.AppendSlashRedirect(r), "GET", nil)
		require.Equal(t, 308, w.Code)
		require.Equal(t, want, w.Header().Get("Location"), target)
	}
	r, _ := gateway.Mount(httptest.NewRequest("GET", "/api/v1", nil), "/api")
	require.Equal(t, "v1/", wrappers.AppendSlashRedirect(r).Header().Get("Location"))
}

// FuzzRedirect checks that, whatever the location is, one line is sent, and a part that is not a
// host never becomes one.
func FuzzRedirect(f *testing.F) {
	for _, s := range []string{"/a", `/\a`, "/\t/a", "\r\nA: b", "http://a/", "?", "//a", " //a", "\x00//a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, location string) {
		w := serve(wrappers.Redirect(location), "GET", nil)
		require.Equal(t, 303, w.Code)
		sent := w.Header().Get("Location")
		for _, c := range []byte(sent) {
			require.True(t, c > ' ' && c < 0x7f && c != '\\', "%q", sent)
		}
		if strings.HasPrefix(sent, "//") {
			require.True(t, strings.HasPrefix(location, "//"))
		}
	})
}

func TestContentLocation(t *testing.T) {
	resp := wrappers.Text("x")
	require.NoError(t, resp.Set("Content-Location", "/ü"))
	require.Equal(t, "/%C3%BC", serve(resp, "GET", nil).Header().Get("Content-Location"))
}
