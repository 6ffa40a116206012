package exchange_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/internal/exchange"
)

type vars = map[string]string

func TestPathsAndMounts(t *testing.T) {
	for _, c := range []struct {
		name              string
		vars              vars
		root, path, query string
	}{
		{"by the standard", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/x y", "QUERY_STRING": "q=1"}, "/app", "/x%20y", "q=1"},
		{"with what was asked for", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/a/b", "REQUEST_URI": "/app/a%2Fb?q=1"}, "/app", "/a%2Fb", "q=1"},
		{"at the mount itself", vars{"SCRIPT_NAME": "/app", "REQUEST_URI": "/app"}, "/app", "/", ""},
		{"at the mount itself, PATH_INFO empty", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "", "REQUEST_URI": "/app"}, "/app", "/", ""},
		{"no mount", vars{"SCRIPT_NAME": "", "PATH_INFO": "/x", "REQUEST_URI": "/x"}, "", "/x", ""},
		{"a mount with a slash at its end", vars{"SCRIPT_NAME": "/app/", "PATH_INFO": "/x", "REQUEST_URI": "/app/x"}, "/app", "/x", ""},
		{"a mount of other letters", vars{"SCRIPT_NAME": "/ä", "PATH_INFO": "/x", "REQUEST_URI": "/%C3%A4/x"}, "/%C3%A4", "/x", ""},
		{"nginx's list for FastCGI", vars{"SCRIPT_NAME": "/a/b", "DOCUMENT_URI": "/a/b", "REQUEST_URI": "/a%2fb"}, "", "/a%2fb", ""},
		{"nginx's list for uwsgi, mounted", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/app/x", "REQUEST_URI": "/app/x"}, "/app", "/x", ""},
		{"Apache's mod_proxy_fcgi", vars{"SCRIPT_NAME": "/app/x", "SCRIPT_FILENAME": "proxy:fcgi://127.0.0.1:9000/x", "REQUEST_URI": "/app/x"}, "", "/app/x", ""},
		{"a rewritten path", vars{"SCRIPT_NAME": "", "PATH_INFO": "/new", "REQUEST_URI": "/old"}, "", "/new", ""},
		{"a rewritten query", vars{"PATH_INFO": "/x", "REQUEST_URI": "/x?a=1", "QUERY_STRING": "a=2"}, "", "/x", "a=2"},
		{"the absolute form", vars{"PATH_INFO": "/x", "REQUEST_URI": "http://example.org/x?a=1"}, "", "/x", "a=1"},
		{"nothing at all", vars{}, "", "/", ""},
		{"an invalid escape", vars{"PATH_INFO": "/50%", "REQUEST_URI": "/50%"}, "", "/50%25", ""},
		{"dots that PATH_INFO lost", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/b/c", "REQUEST_URI": "/app/a/../b/./c"}, "/app", "/a/../b/./c", ""},
		{"dots that lead out of the mount", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/x", "REQUEST_URI": "/app/../app/x"}, "/app", "/x", ""},
		{"characters that need no escape", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/a!'()*", "REQUEST_URI": "/app/a!'()*"}, "/app", "/a!'()*", ""},
		{"characters that need no escape, no mount", vars{"PATH_INFO": "/a!'()*", "REQUEST_URI": "/a!'()*"}, "", "/a!'()*", ""},
		{"double slashes that PATH_INFO lost", vars{"PATH_INFO": "/a/b", "REQUEST_URI": "/a//b"}, "", "/a//b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.vars["REQUEST_METHOD"] = "GET"
			r, err := exchange.NewRequest(context.Background(), c.vars, nil)
			require.NoError(t, err)
			require.Equal(t, c.root, gateway.RootPath(r))
			require.Equal(t, c.path, r.URL.EscapedPath())
			require.Equal(t, c.query, r.URL.RawQuery)
		})
	}
}

func TestWhoAskedAndHow(t *testing.T) {
	r, err := exchange.NewRequest(context.Background(), vars{
		"REQUEST_METHOD": "POST", "SERVER_PROTOCOL": "HTTP/2.0", "REQUEST_SCHEME": "https", "HTTP_HOST": "example.org:8443",
		"REMOTE_ADDR": "2001:db8::1", "REMOTE_PORT": "4711", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "4",
		"HTTP_X_REQUESTED_WITH": "x", "HTTP_PROXY": "http://evil", "HTTP_EXPECT": "100-continue", "HTTP_TRANSFER_ENCODING": "chunked", "REMOTE_USER": "ann",
	}, strings.NewReader("bodyand more"))
	require.NoError(t, err)
	o := gateway.OriginOf(r)
	require.Equal(t, "https", o.Scheme)
	require.Equal(t, "example.org:8443", o.Host)
	require.Equal(t, "[2001:db8::1]:4711", o.Client.String())
	require.Equal(t, "[2001:db8::1]:4711", r.RemoteAddr)
	require.NotNil(t, r.TLS)
	require.Equal(t, 2, r.ProtoMajor)
	require.Equal(t, http.Header{"X-Requested-With": {"x"}, "Content-Type": {"text/plain"}, "Content-Length": {"4"}}, r.Header)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "body", string(body))
	require.Equal(t, "ann", exchange.Variables(r)["REMOTE_USER"])

	for name, c := range map[string]struct {
		vars         vars
		scheme, host string
	}{
		"HTTPS on":                 {vars{"HTTPS": "on", "SERVER_NAME": "a.example", "SERVER_PORT": "443"}, "https", "a.example"},
		"HTTPS off":                {vars{"HTTPS": "off", "SERVER_NAME": "a.example", "SERVER_PORT": "8080"}, "http", "a.example:8080"},
		"an IPv6 name":             {vars{"SERVER_NAME": "::1", "SERVER_PORT": "8080"}, "http", "[::1]:8080"},
		"nginx's name for nothing": {vars{"SERVER_NAME": "_"}, "http", ""},
		"an invalid scheme":        {vars{"REQUEST_SCHEME": "javascript"}, "http", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.vars["REQUEST_METHOD"] = "GET"
			r, err := exchange.NewRequest(context.Background(), c.vars, nil)
			require.NoError(t, err)
			require.Equal(t, c.scheme, gateway.OriginOf(r).Scheme)
			require.Equal(t, c.host, gateway.OriginOf(r).Host)
		})
	}
}

func TestVariablesThatComeTwice(t *testing.T) {
	v := vars{}
	for _, pair := range [][2]string{
		{"HTTP_ACCEPT", "a/b"}, {"HTTP_COOKIE", "a=1"}, {"HTTP_HOST", "example.org"}, {"SCRIPT_NAME", ""},
		{"HTTP_ACCEPT", "c/d"}, {"HTTP_COOKIE", "b=2"}, {"HTTP_HOST", "example.org:8080"}, {"SCRIPT_NAME", "/app"},
	} {
		exchange.AddVariable(v, pair[0], pair[1])
	}
	require.Equal(t, vars{"HTTP_ACCEPT": "a/b, c/d", "HTTP_COOKIE": "a=1; b=2", "HTTP_HOST": "example.org:8080", "SCRIPT_NAME": "/app"}, v)
}

func TestABodyWithoutALength(t *testing.T) {
	r, err := exchange.NewRequest(context.Background(), vars{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, strings.NewReader("body"))
	require.NoError(t, err)
	require.EqualValues(t, -1, r.ContentLength)
	require.Equal(t, []string{"chunked"}, r.TransferEncoding)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "body", string(text))
}

func TestWhatIsNoRequest(t *testing.T) {
	for name, v := range map[string]vars{
		"no method":         {},
		"a method in two":   {"REQUEST_METHOD": "GET IT"},
		"a length in words": {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "four"},
		"a signed length":   {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "+4"},
		"a negative length": {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "-1"},
		"too long a length": {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "99999999999999999999"},
		"two lengths":       {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "3, 5"},

		"a line break in a field":        {"REQUEST_METHOD": "GET", "HTTP_X_A": "a\r\nX-Evil: 1"},
		"a line feed in a field":         {"REQUEST_METHOD": "GET", "HTTP_X_A": "a\nX-Evil: 1"},
		"a NUL in a field":               {"REQUEST_METHOD": "GET", "HTTP_X_A": "a\x00"},
		"a line break in a cookie":       {"REQUEST_METHOD": "GET", "HTTP_COOKIE": "a=1\r\nX-Evil: 1"},
		"a line break in a media type":   {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "text/plain\r\nX-Evil: 1"},
		"a line break in the host":       {"REQUEST_METHOD": "GET", "HTTP_HOST": "a\r\nX-Evil: 1"},
		"a path in the host":             {"REQUEST_METHOD": "GET", "HTTP_HOST": "example.org/x"},
		"a space in the host":            {"REQUEST_METHOD": "GET", "HTTP_HOST": "a b"},
		"a field name with a space":      {"REQUEST_METHOD": "GET", "HTTP_X A": "a"},
		"a field name with a colon":      {"REQUEST_METHOD": "GET", "HTTP_X:A": "a"},
		"a field name with a line break": {"REQUEST_METHOD": "GET", "HTTP_X\r\nEVIL": "a"},
		"two variables for one field":    {"REQUEST_METHOD": "GET", "HTTP_X_A": "a", "HTTP_X_a": "b"},
		"two names for one field":        {"REQUEST_METHOD": "GET", "HTTP_X_A": "a", "HTTP_X-A": "b"},
		"a line break in the URI":        {"REQUEST_METHOD": "GET", "REQUEST_URI": "/\r\nX-Evil: 1"},
		"a line break in the query":      {"REQUEST_METHOD": "GET", "QUERY_STRING": "a\r\nX-Evil: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := exchange.NewRequest(context.Background(), v, nil)
			require.ErrorIs(t, err, exchange.ErrRequest)
		})
	}
	t.Run("a body that ends early", func(t *testing.T) {
		r, err := exchange.NewRequest(context.Background(), vars{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "9"}, strings.NewReader("four"))
		require.NoError(t, err)
		_, err = io.ReadAll(r.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

// served runs a handler as a CGI program and returns what it printed.
func TestAVariableThatComesTwice(t *testing.T) {
	for name, c := range map[string]struct{ variable, first, second, want string }{
		"the later one counts":                     {"PATH_INFO", "/a", "/b", "/b"},
		"the later host counts":                    {"HTTP_HOST", "a", "b", "b"},
		"fields are joined":                        {"HTTP_X_A", "1", "2", "1, 2"},
		"cookies are joined":                       {"HTTP_COOKIE", "a=1", "b=2", "a=1; b=2"},
		"the same length is one":                   {"CONTENT_LENGTH", "3", "3", "3"},
		"an empty length changes nothing":          {"CONTENT_LENGTH", "3", "", "3"},
		"a length counts after an empty one":       {"CONTENT_LENGTH", "", "3", "3"},
		"two lengths stay both, to be refused":     {"CONTENT_LENGTH", "3", "5", "3, 5"},
		"a length and zero stay both":              {"CONTENT_LENGTH", "3", "0", "3, 0"},
		"a length in other digits is another text": {"CONTENT_LENGTH", "3", "03", "3, 03"},
	} {
		t.Run(name, func(t *testing.T) {
			got := vars{}
			exchange.AddVariable(got, c.variable, c.first)
			exchange.AddVariable(got, c.variable, c.second)
			require.Equal(t, vars{c.variable: c.want}, got)
		})
	}
}

func FuzzNewRequest(f *testing.F) {
	f.Add("/app", "/x", "/app/x?y", "example.org", "4")
	f.Add("/a/b", "", "/%zz", "", "")
	f.Fuzz(func(t *testing.T, script, info, uri, host, length string) {
		r, err := exchange.NewRequest(context.Background(), vars{
			"REQUEST_METHOD": "GET", "SCRIPT_NAME": script, "PATH_INFO": info, "REQUEST_URI": uri, "HTTP_HOST": host, "CONTENT_LENGTH": length,
			"HTTP_X_SCRIPT": script, "HTTP_" + info: uri,
		}, strings.NewReader("body"))
		if err != nil {
			require.ErrorIs(t, err, exchange.ErrRequest)
			return
		}
		require.True(t, strings.HasPrefix(r.URL.Path, "/"), r.URL.Path)
		for name, values := range r.Header {
			require.False(t, strings.ContainsAny(name+strings.Join(values, ""), "\r\n\x00"))
		}
		require.False(t, strings.ContainsAny(r.Host+r.RequestURI+r.URL.RawQuery, "\r\n\x00"))
		root := gateway.RootPath(r)
		require.True(t, root == "" || strings.HasPrefix(root, "/"), root)
	})
}
