package cgi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/cgi"
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
		{"an escape that is none", vars{"PATH_INFO": "/50%", "REQUEST_URI": "/50%"}, "", "/50%25", ""},
		{"dots that PATH_INFO lost", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/b/c", "REQUEST_URI": "/app/a/../b/./c"}, "/app", "/a/../b/./c", ""},
		{"dots that lead out of the mount", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/x", "REQUEST_URI": "/app/../app/x"}, "/app", "/x", ""},
		{"characters that need no escape", vars{"SCRIPT_NAME": "/app", "PATH_INFO": "/a!'()*", "REQUEST_URI": "/app/a!'()*"}, "/app", "/a!'()*", ""},
		{"characters that need no escape, no mount", vars{"PATH_INFO": "/a!'()*", "REQUEST_URI": "/a!'()*"}, "", "/a!'()*", ""},
		{"double slashes that PATH_INFO lost", vars{"PATH_INFO": "/a/b", "REQUEST_URI": "/a//b"}, "", "/a//b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.vars["REQUEST_METHOD"] = "GET"
			r, err := cgi.NewRequest(context.Background(), c.vars, nil)
			require.NoError(t, err)
			require.Equal(t, c.root, gateway.RootPath(r))
			require.Equal(t, c.path, r.URL.EscapedPath())
			require.Equal(t, c.query, r.URL.RawQuery)
		})
	}
}

func TestWhoAskedAndHow(t *testing.T) {
	r, err := cgi.NewRequest(context.Background(), vars{
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
	require.Equal(t, "ann", cgi.Variables(r)["REMOTE_USER"])

	for name, c := range map[string]struct {
		vars         vars
		scheme, host string
	}{
		"HTTPS on":                 {vars{"HTTPS": "on", "SERVER_NAME": "a.example", "SERVER_PORT": "443"}, "https", "a.example"},
		"HTTPS off":                {vars{"HTTPS": "off", "SERVER_NAME": "a.example", "SERVER_PORT": "8080"}, "http", "a.example:8080"},
		"an IPv6 name":             {vars{"SERVER_NAME": "::1", "SERVER_PORT": "8080"}, "http", "[::1]:8080"},
		"nginx's name for nothing": {vars{"SERVER_NAME": "_"}, "http", ""},
		"a scheme that is none":    {vars{"REQUEST_SCHEME": "javascript"}, "http", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.vars["REQUEST_METHOD"] = "GET"
			r, err := cgi.NewRequest(context.Background(), c.vars, nil)
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
		cgi.AddVariable(v, pair[0], pair[1])
	}
	require.Equal(t, vars{"HTTP_ACCEPT": "a/b, c/d", "HTTP_COOKIE": "a=1; b=2", "HTTP_HOST": "example.org:8080", "SCRIPT_NAME": "/app"}, v)
}

func TestABodyWithoutALength(t *testing.T) {
	r, err := cgi.NewRequest(context.Background(), vars{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}, strings.NewReader("body"))
	require.NoError(t, err)
	require.EqualValues(t, -1, r.ContentLength)
	require.Equal(t, []string{"chunked"}, r.TransferEncoding)
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "body", string(text))

	var read error
	_, err = served(t, func(_ http.ResponseWriter, r *http.Request) { _, read = io.ReadAll(r.Body) },
		"REQUEST_METHOD=POST", "HTTP_TRANSFER_ENCODING=chunked")
	require.NoError(t, err)
	require.NoError(t, read)
	s := cgi.Server{
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, read = io.ReadAll(r.Body) }),
		Out:     io.Discard, In: strings.NewReader("body"), MaxBody: 3, Env: []string{"REQUEST_METHOD=POST", "HTTP_TRANSFER_ENCODING=chunked"},
	}
	require.NoError(t, s.Serve())
	limit := (*http.MaxBytesError)(nil)
	require.ErrorAs(t, read, &limit)
}

func TestABodyThatNobodyReadsIsTaken(t *testing.T) {
	in := strings.NewReader(strings.Repeat("x", 100_000))
	s := cgi.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "not wanted") }),
		Out:     io.Discard, In: in, Env: []string{"REQUEST_METHOD=POST", "CONTENT_LENGTH=100000"},
	}
	require.NoError(t, s.Serve())
	require.Zero(t, in.Len())
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
			_, err := cgi.NewRequest(context.Background(), v, nil)
			require.ErrorIs(t, err, cgi.ErrRequest)
		})
	}
	t.Run("a body that ends early", func(t *testing.T) {
		r, err := cgi.NewRequest(context.Background(), vars{"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "9"}, strings.NewReader("four"))
		require.NoError(t, err)
		_, err = io.ReadAll(r.Body)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

// served runs a handler as a CGI program and returns what it printed.
func served(t *testing.T, h http.HandlerFunc, more ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	s := cgi.Server{
		Handler: h, Out: &out, In: strings.NewReader("body"), Timeout: time.Minute, MaxBody: 10, Logger: slog.New(slog.DiscardHandler),
		Env: append([]string{"GATEWAY_INTERFACE=CGI/1.1", "REQUEST_METHOD=GET", "SERVER_PROTOCOL=HTTP/1.1"}, more...),
	}
	err := s.Serve()
	return out.String(), err
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		env     []string
		want    string
	}{
		{"a text", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }, nil,
			"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi"},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, nil, "Status: 200 OK\r\n\r\n"},
		{"a status and fields in order", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-B", "two\r\nInjected: yes")
			w.Header().Set("X-A", "1")
			w.Header()["Bad Name"] = []string{"x"}
			w.Header().Set("Connection", "close")
			w.WriteHeader(404)
		}, nil, "Status: 404 Not Found\r\nX-A: 1\r\nX-B: two  Injected: yes\r\n\r\n"},
		{"a text after its status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(404)
			w.Header().Set("X-Late", "lost")
			_, _ = io.WriteString(w, "<p>no")
		}, nil, "Status: 404 Not Found\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>no"},
		{"nothing after its status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, nil, "Status: 404 Not Found\r\n\r\n"},
		{"a text whose type is not to be found out", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			_, _ = io.WriteString(w, "<p>no")
		}, nil, "Status: 200 OK\r\n\r\n<p>no"},
		{"HEAD", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			_, _ = io.WriteString(w, "not sent")
		}, []string{"REQUEST_METHOD=HEAD"}, "Status: 200 OK\r\nContent-Type: a/b\r\n\r\n"},
		{"no content", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			w.WriteHeader(204)
			_, err := io.WriteString(w, "abc")
			if !errors.Is(err, http.ErrBodyNotAllowed) {
				panic(err)
			}
		}, nil, "Status: 204 No Content\r\n\r\n"},
		{"a panic", func(http.ResponseWriter, *http.Request) { panic("x") }, nil,
			"Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nInternal Server Error\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := served(t, c.handler, c.env...)
			require.NoError(t, err)
			require.Equal(t, c.want, out)
		})
	}
	t.Run("a body that is too long is 413", func(t *testing.T) {
		out, err := served(t, func(http.ResponseWriter, *http.Request) { t.Error("asked") }, "REQUEST_METHOD=POST", "CONTENT_LENGTH=11")
		require.NoError(t, err)
		require.Contains(t, out, "Status: 413 ")
	})
	t.Run("an answer that ends early is an error", func(t *testing.T) {
		_, err := served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			_, _ = io.WriteString(w, "four")
		})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
	t.Run("more than announced is refused", func(t *testing.T) {
		_, err := served(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4")
			_, err := io.WriteString(w, "fives")
			require.ErrorIs(t, err, http.ErrContentLength)
			_, _ = io.WriteString(w, "four")
		})
		require.NoError(t, err)
	})
	t.Run("what is no request is 400", func(t *testing.T) {
		out, err := served(t, nil, "REQUEST_METHOD=")
		require.ErrorIs(t, err, cgi.ErrRequest)
		require.Contains(t, out, "Status: 400 ")
	})
}

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
			cgi.AddVariable(got, c.variable, c.first)
			cgi.AddVariable(got, c.variable, c.second)
			require.Equal(t, vars{c.variable: c.want}, got)
		})
	}
}

func FuzzNewRequest(f *testing.F) {
	f.Add("/app", "/x", "/app/x?y", "example.org", "4")
	f.Add("/a/b", "", "/%zz", "", "")
	f.Fuzz(func(t *testing.T, script, info, uri, host, length string) {
		r, err := cgi.NewRequest(context.Background(), vars{
			"REQUEST_METHOD": "GET", "SCRIPT_NAME": script, "PATH_INFO": info, "REQUEST_URI": uri, "HTTP_HOST": host, "CONTENT_LENGTH": length,
			"HTTP_X_SCRIPT": script, "HTTP_" + info: uri,
		}, strings.NewReader("body"))
		if err != nil {
			require.ErrorIs(t, err, cgi.ErrRequest)
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
