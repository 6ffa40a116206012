package wsgi_test

import (
	"bufio"
	"cmp"
	"fmt"
	"go/version"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
)

// clauses are the clauses of PEP 3333 that one request can check, in its order.
var clauses = []struct {
	name               string
	method, path, body string
	header             []string
	status             int
	want               string
	answer             map[string]string // header fields; "" for a field that is absent
	unvalidated        bool              // wsgiref.validate accepts less than is allowed
}{
	{name: "the environ is a dictionary of native strings", path: "/types", want: "wrong: "},
	{name: "what an application adds to it is gone", path: "/left-behind", want: "False"},
	{name: "the URL can be reconstructed", path: "/uri/?a=b", want: "URL/uri/?a=b"},
	{name: "a URL with other letters, too", path: "/uri/%C3%BC%20x", want: "URL/uri/%C3%BC%20x"},
	{name: "an empty query is one", path: "/uri?", want: "URL/uri"},
	{name: "a body in one part has its length", path: "/", want: "hello", answer: map[string]string{"Content-Length": "5"}},
	{name: "a part in memory that is shared, too", path: "/one-part", want: strings.Repeat("x", 1000000), answer: map[string]string{"Content-Length": "1000000"}},
	{name: "a part beyond that", path: "/large-parts", want: strings.Repeat("x", 10000000) + strings.Repeat("y", 10000000)},
	{name: "many small parts", path: "/parts", want: numbers()},
	{name: "empty parts are not sent", path: "/empty-parts", want: "ab"},
	{name: "no part at all", path: "/nothing", want: ""},
	{name: "start_response is called by the first part", path: "/late-start", status: 201, want: "late"},
	{name: "parts are returned and written", path: "/write", want: "written, twice, returned", unvalidated: true},
	{name: "the length is what the application says", path: "/with-length", want: "hello", answer: map[string]string{"Content-Length": "5"}},
	{name: "no more is sent than that", path: "/too-long", want: "hello"},
	{name: "a header may be replaced for a failure", path: "/recovers", status: 500, want: "recovered"},
	{name: "also after an empty part", path: "/changes-its-mind", status: 503, want: "later", answer: map[string]string{"Retry-After": "7"}},
	{name: "the list of fields is left as it is", path: "/keeps-its-list", want: "same", answer: map[string]string{"X-B": "1, 2", "X-A": "3"}},
	{name: "fields are texts of latin-1", path: "/latin?q=1", want: "q=1", answer: map[string]string{"X-Latin": "caf\xe9"}},
	{name: "what concerns the connection is the server's", path: "/hop-by-hop", want: "ok", unvalidated: true,
		answer: map[string]string{"Keep-Alive": "", "Connection": ""}},
	{name: "no type is guessed", path: "/untyped", want: "<html>", answer: map[string]string{"Content-Type": ""}, unvalidated: true},
	{name: "read without a size", method: "POST", path: "/sizes", body: "abcdef\ngh", want: "abc|de|f\n|gh|"},
	{name: "read of nothing", method: "POST", path: "/sizes", want: "||||"},
	{name: "readlines with a hint", method: "POST", path: "/hint", body: "a\nb\nc", want: "a\n", unvalidated: true},
	{name: "a body of one block", method: "POST", path: "/sizes", body: strings.Repeat("x", 64<<10),
		want: "xxx|xx|" + strings.Repeat("x", 64<<10-5) + "||"},
	{name: "a body of many", method: "POST", path: "/sizes", body: strings.Repeat("x", 1000000),
		want: "xxx|xx|" + strings.Repeat("x", 1000000-5) + "||"},
	{name: "a body that is not read", method: "POST", path: "/unread", body: strings.Repeat("x", 300000), want: "unread"},
	{name: "a file", path: "/file", want: "FILE", answer: map[string]string{"Content-Length": "FILE"}},
	{name: "a part of a file", path: "/part-of-a-file", want: "PART", answer: map[string]string{"Content-Length": "14"}},
	{name: "a file of memory", path: "/no-real-file", want: strings.Repeat("x", 200000)},
	{name: "a file that is unpacked as it is read", path: "/gzip", want: strings.Repeat("unpacked ", 20000)},
	{name: "a file that is gone already", path: "/temporary", want: strings.Repeat("gone already, ", 10000)[6:]},
	{name: "anything that can be read", path: "/file-that-closes", want: "one two"},
	{name: "a status of the application's", path: "/missing", status: 404, want: "no such view"},
	{name: "204 without a body", path: "/no-content", status: 204, answer: map[string]string{"Content-Length": ""}, unvalidated: true},
	{name: "304 without a body", path: "/not-modified", status: 304, answer: map[string]string{"Etag": `"a"`}},
	{name: "an iterable that is closed", path: "/closing", want: "ab"},
	{name: "204 has no body", path: "/no-content-with-body?204", status: 204, answer: map[string]string{"Content-Length": ""}, unvalidated: true},
	{name: "neither has 304", path: "/no-content-with-body?304", status: 304, unvalidated: true},
	{name: "what an iterable raises in close comes too late", path: "/close-raises", want: "all of it"},
	{name: "large fields go both ways", path: "/large-header", header: []string{"X-Large", strings.Repeat("y", 500000)}, want: "ok",
		answer: map[string]string{"X-Large": strings.Repeat("x", 500000), "X-Got": "500000"}},
}

// numbers is what /parts sends.
func numbers() string {
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, "%06d\n", i)
	}
	return b.String()
}

// pythons maps the version of every Python of this machine, from 3.8 on, to its executable. Outside CI, which sets
// CI, it has the oldest and the newest alone, and with -short the Python of the other tests.
func pythons(t *testing.T) map[string]string {
	t.Helper()
	if testing.Short() {
		return map[string]string{"one": python(t, "wsgiref")}
	}
	found := map[string]string{}
	for _, pattern := range []string{
		python(t, "wsgiref"), "/usr/bin/python3", "/usr/bin/python3.*[0-9]", "/usr/local/bin/python3.*[0-9]",
		filepath.Join(os.Getenv("HOME"), ".pyenv/versions/*/bin/python3"), "/opt/*/bin/python3",
		filepath.Join(os.Getenv("HOME"), ".local/share/uv/python/*/bin/python3"),
	} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range paths {
			out, err := exec.Command(path, "-c", "import sys, wsgiref.validate; assert sys.version_info >= (3, 8); print(sys.version.split()[0])").Output()
			if version := strings.TrimSpace(string(out)); err == nil && found[version] == "" {
				found[version] = path
			}
		}
	}
	if versions := slices.SortedFunc(maps.Keys(found), older); os.Getenv("CI") == "" && len(versions) > 2 {
		for _, between := range versions[1 : len(versions)-1] {
			delete(found, between)
		}
	}
	return found
}

// older compares versions of Python.
func older(a, b string) int { return version.Compare("go"+a, "go"+b) }

func TestClauses(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/plain.py")
	require.NoError(t, err)
	modes := map[string]wsgi.Config{"forked": {Preload: true}, "unbuffered": {BufferAnswer: 1}}
	for version, path := range pythons(t) {
		modes["Python "+version] = wsgi.Config{Python: path}
		modes["Python "+version+", validated"] = wsgi.Config{Python: path, Validate: true}
	}
	for name, config := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if config.Validate || config.BufferAnswer != 0 {
				long(t)
			}
			config.Workers = 1
			l := run(t, config)
			for _, c := range clauses {
				if config.Validate && c.unvalidated {
					continue
				}
				method, status := cmp.Or(c.method, "GET"), cmp.Or(c.status, 200)
				replace := strings.NewReplacer("URL", l.server.URL, "FILE", string(source), "PART", string(source[3:17]))
				resp, got := l.ask(method, c.path, c.body, c.header...)
				require.Equal(t, status, resp.StatusCode, c.name)
				if want := replace.Replace(c.want); len(want) < 1000 {
					require.Equal(t, want, got, c.name)
				} else {
					require.True(t, want == got, "%s: %d bytes, not %d", c.name, len(got), len(want))
				}
				for field, want := range c.answer {
					if config.Validate && field == "Content-Length" && c.path != "/with-length" {
						continue // the objects of the validator are neither lists nor files
					}
					if want == "FILE" {
						want = fmt.Sprint(len(source))
					}
					require.Equal(t, want, strings.Join(resp.Header.Values(field), ", "), "%s: %s", c.name, field)
				}
				if method == "GET" {
					resp, got := l.ask("HEAD", c.path, "", c.header...)
					require.Equal(t, status, resp.StatusCode, "HEAD: %s", c.name)
					require.Empty(t, got, "HEAD: %s", c.name)
				}
			}
			if config.Validate {
				require.Equal(t, strings.Count(l.log.String(), "AssertionError"), strings.Count(l.log.String(), "more data than the Content-Length of 14"), l.log.String())
			}
			require.Zero(t, l.Stats().Crashed)
		})
	}
}

// The connection is in step after every response, even if its body must not be
// sent or was not read.
func TestTheConnectionGoesOn(t *testing.T) {
	t.Parallel()
	l := shared(t)
	c, err := net.Dial("tcp", strings.TrimPrefix(l.server.URL, "http://"))
	require.NoError(t, err)
	defer c.Close()
	in := bufio.NewReader(c)
	for _, r := range []struct {
		request, path, body string
		status              int
	}{
		{"HEAD", "/one-part", "", 200},
		{"GET", "/no-content-with-body?204", "", 204},
		{"GET", "/no-content-with-body?304", "", 304},
		{"POST", "/unread", "some body", 200},
		{"POST", "/unread", strings.Repeat("x", 100000), 200},
		{"GET", "/one-part", "", 200},
		{"HEAD", "/file", "", 200},
		{"GET", "/raises", "", 500},
		{"GET", "/close-raises", "", 200},
		{"GET", "/", "", 200},
	} {
		fmt.Fprintf(c, "%s %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", r.request, r.path, len(r.body), r.body)
		resp, err := http.ReadResponse(in, &http.Request{Method: r.request})
		require.NoError(t, err, r.path)
		require.Equal(t, r.status, resp.StatusCode, r.path)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err, r.path)
		require.False(t, resp.Close, r.path)
	}
}

// raw sends bytes and returns the whole response.
func (l *legacy) raw(text string) string {
	l.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(l.server.URL, "http://"))
	require.NoError(l.t, err)
	defer c.Close()
	require.NoError(l.t, c.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.WriteString(c, text)
	require.NoError(l.t, err)
	got, err := io.ReadAll(c)
	require.NoError(l.t, err)
	return string(got)
}

func TestPathsAsTheyCome(t *testing.T) {
	t.Parallel()
	l := shared(t)
	for target, want := range map[string][]string{
		"/environ/%C3%BC":           {"PATH_INFO='/environ/Ã¼'", "RAW_URI='/environ/%C3%BC'"},
		"/environ/%ff%fe":           {"PATH_INFO='/environ/ÿþ'"},
		"/environ/a%2Fb":            {"PATH_INFO='/environ/a/b'", "REQUEST_URI='/environ/a%2Fb'"},
		"/environ/%00x":             {`PATH_INFO='/environ/\x00x'`},
		"/environ/%0aX=y":           {`PATH_INFO='/environ/\nX=y'`},
		"/environ/?":                {"QUERY_STRING=''", "REQUEST_URI='/environ/?'"},
		"/environ/?%zz&&=":          {"QUERY_STRING='%zz&&='"},
		"/environ/;a=b":             {"PATH_INFO='/environ/;a=b'"},
		"//environ//":               {"PATH_INFO='//environ//'"},
		"http://other.org/environ/": {"PATH_INFO='/environ/'", "HTTP_HOST='other.org'"},
	} {
		app := l.raw("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-View: environ\r\n\r\n")
		for _, line := range want {
			require.Contains(t, app, "\n"+line+"\n", target)
		}
	}
	require.Contains(t, l.raw("GET http://other.org HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-View: environ\r\n\r\n"), "\nPATH_INFO='/'\n")
	old := l.raw("GET /environ HTTP/1.0\r\n\r\n")
	require.Contains(t, old, "SERVER_PROTOCOL='HTTP/1.0'")
	require.NotContains(t, old, "HTTP_HOST=")
	require.NotContains(t, old, "Transfer-Encoding")
}
