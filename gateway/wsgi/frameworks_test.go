package wsgi_test

import (
	"bufio"
	"bytes"
	"cmp"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/middleware"
)

// Real frameworks, each with an application as its users write them: at the root
// and below mounts, one program for all three places.
func TestFrameworks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		module, app string
		// The frameworks differ in the status for a method that a page does not have, and in
		// whether they answer for files with 304 and with ranges.
		method             int
		conditions, ranges bool
	}{
		{"flask", "flask_app:app", 405, true, true},
		{"django", "django_app", 405, false, false},
		{"bottle", "bottle_app:app", 405, true, true},
		{"pyramid", "pyramid_app", 404, false, false},
		{"falcon", "falcon_app", 405, false, false},
	} {
		t.Run(c.module, func(t *testing.T) {
			t.Parallel()
			if c.module != "flask" {
				long(t)
			}
			uploads := t.TempDir()
			l := run(t, wsgi.Config{
				App: c.app, Python: python(t, c.module), Workers: 1, SpoolChunked: 16 << 20, Env: []string{"UPLOADS=" + uploads},
			})
			front := httptest.NewServer(middleware.Dispatcher{
				Mounts: map[string]http.Handler{"/legacy": l, "/very/old": l},
			}.Wrap(l))
			defer front.Close()
			roots := []string{"/legacy", "", "/very/old"}
			if testing.Short() {
				roots = roots[:1]
			}
			for _, root := range roots {
				f := &framework{t: t, at: front.URL + root, root: cmp.Or(root, "the root")}
				f.client.Jar, _ = cookiejar.New(nil)
				f.pages(c.method)
				f.forms()
				f.uploads(uploads)
				f.streams()
				f.files(filepath.Join("testdata", c.module+"_app.py"), c.conditions, c.ranges)
				f.sessions()
			}
			require.Contains(t, l.log.String(), "LookupError: in "+strings.ToUpper(c.module[:1])+c.module[1:])
		})
	}
}

// framework is a client of an application.
type framework struct {
	t        *testing.T
	at, root string
	client   http.Client
}

// pages requests all addresses: with variables, without, with HEAD, and some that do not exist.
func (f *framework) pages(method int) {
	index := "index of " + f.root + " at " + f.at + "/"
	f.gets("/", 200, index)
	resp, text := f.asks("GET", "/users/J%C3%BCrg%20X/posts/7", "")
	require.Equal(f.t, 200, resp.StatusCode)
	unescaped, err := url.PathUnescape(text) // Bottle does not encode the values in its URLs
	require.NoError(f.t, err)
	require.Equal(f.t, "post 7 of Jürg X at "+f.at+"/users/Jürg X/posts/7", unescaped)
	f.gets("/users/ann/posts/seven", 404, "nothing at /users/ann/posts/seven")
	f.gets("/search?q=%C3%BC&tag=a&tag=b", 200, "ü: a,b")
	f.gets("/missing", 404, "nothing at /missing")
	f.gets("/nowhere/at/all", 404, "nothing at /nowhere/at/all")
	f.gets("/away", 200, index)
	f.gets("/raise", 500, "")
	f.gets("/", 200, index) // after the failure, in the same worker

	resp, _ = f.asks("POST", "/stream", "")
	require.Equal(f.t, method, resp.StatusCode)
	if method == 405 {
		require.Contains(f.t, resp.Header.Get("Allow"), "GET")
	}
	for _, path := range []string{"/", "/users/ann/posts/1", "/file"} {
		got, text := f.asks("GET", path, "")
		head, none := f.asks("HEAD", path, "")
		require.Equal(f.t, 200, head.StatusCode, path)
		require.Empty(f.t, none)
		require.Equal(f.t, got.Header.Get("Content-Type"), head.Header.Get("Content-Type"), path)
		require.Equal(f.t, strconv.Itoa(len(text)), head.Header.Get("Content-Length"), path)
	}
}

func (f *framework) forms() {
	fields := url.Values{"name": {"Ü & =?"}, "colour": {"red", "blue"}}
	f.posts("/form", "application/x-www-form-urlencoded", fields.Encode(), "Ü & =?, red,blue")
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	require.NoError(f.t, m.WriteField("name", "Ü & =?"))
	require.NoError(f.t, m.WriteField("colour", "red"))
	require.NoError(f.t, m.WriteField("colour", "blue"))
	require.NoError(f.t, m.Close())
	f.posts("/form", m.FormDataContentType(), b.String(), "Ü & =?, red,blue")
	f.posts("/json", "application/json", `{"a": [1, 2, "ü"]}`, "")
}

// uploads sends a file that the framework keeps in memory, and one that it keeps
// on disk, which has nothing to do with the mount.
func (f *framework) uploads(dir string) {
	for _, size := range []int{0, 30_000, 6_000_000} {
		if size > 1_000_000 && f.root != "the root" {
			continue
		}
		content := make([]byte, size)
		rng := rand.New(rand.NewPCG(uint64(size), 1))
		for i := range content {
			content[i] = byte(rng.Uint32())
		}
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		part, err := m.CreateFormFile("file", "random.bin")
		require.NoError(f.t, err)
		_, err = part.Write(content)
		require.NoError(f.t, err)
		require.NoError(f.t, m.WriteField("title", "a title"))
		require.NoError(f.t, m.Close())
		f.posts("/upload", m.FormDataContentType(), b.String(), "random.bin, a title")
		saved, err := os.ReadFile(filepath.Join(dir, "random.bin"))
		require.NoError(f.t, err)
		require.True(f.t, bytes.Equal(content, saved), "%d bytes, and %d were saved", size, len(saved))
	}
}

// streams reads responses that are made piece by piece. The rest of the second response is made
// only after its first line has arrived.
func (f *framework) streams() {
	f.gets("/stream", 200, "0\n1\n2\n3\n4\n")
	resp, err := f.client.Get(f.at + "/drip")
	require.NoError(f.t, err)
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	line, err := lines.ReadString('\n')
	require.NoError(f.t, err)
	require.Equal(f.t, "first\n", line)
	f.gets("/release", 200, "released")
	rest, err := io.ReadAll(lines)
	require.NoError(f.t, err)
	require.Equal(f.t, "second\n", string(rest))
}

func (f *framework) files(source string, conditions, ranges bool) {
	text, err := os.ReadFile(source)
	require.NoError(f.t, err)
	resp, got := f.asks("GET", "/file", "")
	require.Equal(f.t, 200, resp.StatusCode)
	require.Equal(f.t, string(text), got)
	require.Contains(f.t, resp.Header.Get("Content-Type"), "text/x-python")
	if conditions {
		again, none := f.asks("GET", "/file", "", "If-Modified-Since", resp.Header.Get("Last-Modified"))
		require.Equal(f.t, 304, again.StatusCode)
		require.Empty(f.t, none)
	}
	if ranges {
		part, got := f.asks("GET", "/file", "", "Range", "bytes=7-16")
		require.Equal(f.t, 206, part.StatusCode)
		require.Equal(f.t, string(text[7:17]), got)
	}
}

// sessions keeps a visitor's state across requests.
func (f *framework) sessions() {
	f.gets("/count", 200, "1")
	f.gets("/count", 200, "2")
	f.gets("/me", 403, "")
	user := "user=" + url.QueryEscape("ann")
	resp, text := f.asks("POST", "/login", user, "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(f.t, "ann", text, "the redirect leads to the page of who has logged in")
	require.Equal(f.t, f.at+"/me", resp.Request.URL.String())
	f.gets("/me", 200, "ann")
	stranger := &framework{t: f.t, at: f.at}
	stranger.gets("/me", 403, "")
	_, text = f.asks("POST", "/logout", "", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(f.t, "index of "+f.root+" at "+f.at+"/", text)
	f.gets("/me", 403, "")
}

// asks sends a request, and follows redirects.
func (f *framework) asks(method, path, body string, header ...string) (*http.Response, string) {
	f.t.Helper()
	r, err := http.NewRequest(method, f.at+path, strings.NewReader(body))
	require.NoError(f.t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := f.client.Do(r)
	require.NoError(f.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	return resp, string(text)
}

func (f *framework) gets(path string, status int, want string) {
	f.t.Helper()
	resp, err := f.client.Get(f.at + path)
	f.is(resp, err, status, want)
}

// posts sends a body twice, once without its length.
func (f *framework) posts(path, contentType, body, want string) {
	f.t.Helper()
	resp, err := f.client.Post(f.at+path, contentType, strings.NewReader(body))
	f.is(resp, err, 200, want)
	resp, err = f.client.Post(f.at+path, contentType, struct{ io.Reader }{strings.NewReader(body)})
	f.is(resp, err, 200, want)
}

func (f *framework) is(resp *http.Response, err error, status int, want string) {
	f.t.Helper()
	require.NoError(f.t, err)
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	require.Equal(f.t, status, resp.StatusCode, "%s: %s", resp.Request.URL, got)
	if want != "" {
		require.Equal(f.t, want, string(got))
	}
}

func TestAFactory(t *testing.T) {
	t.Parallel()
	l := run(t, wsgi.Config{App: "flask_app:create_app(greeting='made')", Python: python(t, "flask"), Workers: 1})
	_, body := l.get("/")
	require.Equal(t, "made", body)
}
