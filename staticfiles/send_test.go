package staticfiles_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

func serve(t testing.TB, h http.Handler, method string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "/", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestSend(t *testing.T) {
	path := filepath.Join(write(t, map[string]string{"report.txt": "the report"}), "report.txt")
	info, err := os.Stat(path)
	require.NoError(t, err)
	send := func(opts staticfiles.SendOptions, header ...string) *http.Response {
		resp, err := staticfiles.Send(path, opts)
		require.NoError(t, err)
		return serve(t, resp, "GET", header...)
	}
	resp := send(staticfiles.SendOptions{})
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "the report", body(t, resp))
	require.Equal(t, int64(10), resp.ContentLength)
	require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
	require.Equal(t, "inline; filename=report.txt", resp.Header.Get("Content-Disposition"))
	require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"))
	require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	require.Equal(t, "bytes", resp.Header.Get("Accept-Ranges"))
	require.Equal(t, info.ModTime().UTC().Format(http.TimeFormat), resp.Header.Get("Last-Modified"))
	tag := resp.Header.Get("ETag")
	require.NotEmpty(t, tag)

	require.Equal(t, 304, send(staticfiles.SendOptions{}, "If-None-Match", tag).StatusCode)
	require.Equal(t, 304, send(staticfiles.SendOptions{}, "If-Modified-Since", resp.Header.Get("Last-Modified")).StatusCode)
	resp = send(staticfiles.SendOptions{}, "Range", "bytes=4-")
	require.Equal(t, 206, resp.StatusCode)
	require.Equal(t, "report", body(t, resp))
	require.Equal(t, 416, send(staticfiles.SendOptions{}, "Range", "bytes=10-").StatusCode)
	require.Equal(t, 412, send(staticfiles.SendOptions{}, "If-Match", `"x"`).StatusCode)

	require.Equal(t, "public, max-age=31536000", send(staticfiles.SendOptions{MaxAge: -1}).Header.Get("Cache-Control"))
	h := send(staticfiles.SendOptions{MaxAge: time.Hour}).Header
	require.Equal(t, "public, max-age=3600", h.Get("Cache-Control"))
	h = send(staticfiles.SendOptions{CacheControl: "private", ETag: "mine", LastModified: time.Unix(1e9, 5e8)}).Header
	require.Equal(t, "private", h.Get("Cache-Control"))
	require.Equal(t, `"mine"`, h.Get("ETag"))
	require.Equal(t, "Sun, 09 Sep 2001 01:46:40 GMT", h.Get("Last-Modified"))
	require.Equal(t, `W/"mine"`, send(staticfiles.SendOptions{ETag: `W/"mine"`}).Header.Get("ETag"))
	require.Empty(t, send(staticfiles.SendOptions{NoETag: true}).Header.Get("ETag"))
	h = send(staticfiles.SendOptions{DownloadName: "x.pdf"}).Header
	require.Equal(t, "application/pdf", h.Get("Content-Type"))
	require.Equal(t, "image/x-own", send(staticfiles.SendOptions{ContentType: "image/x-own"}).Header.Get("Content-Type"))
	require.Equal(t, "application/octet-stream", send(staticfiles.SendOptions{DownloadName: "x.unknown"}).Header.Get("Content-Type"))
}

func TestDownloadNames(t *testing.T) {
	for name, want := range map[string]string{
		"index.html":         `attachment; filename=index.html`,
		"a b.txt":            `attachment; filename="a b.txt"`,
		"Ñandú/pingüino.txt": `attachment; filename="Nandu/pinguino.txt"; filename*=UTF-8''%C3%91and%C3%BA%EF%BC%8Fping%C3%BCino.txt`,
		`say "hi".txt`:       `attachment; filename="say \"hi\".txt"; filename*=UTF-8''say%20%22hi%22.txt`,
		"100%25 off.txt":     `attachment; filename="100%25 off.txt"; filename*=UTF-8''100%2525%20off.txt`,
		"ナ.txt":              `attachment; filename=.txt; filename*=UTF-8''%E3%83%8A.txt`,
		"a\r\nSet-Cookie: x": `attachment; filename="aSet-Cookie: x"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x`,
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := staticfiles.SendReader(strings.NewReader("x"), staticfiles.SendOptions{Attachment: true, DownloadName: name})
			require.NoError(t, err)
			have := serve(t, resp, "GET").Header.Get("Content-Disposition")
			require.Equal(t, strings.ReplaceAll(want, "%EF%BC%8F", "%2F"), have)
		})
	}
}

func TestContentEncodingOfAnSVGZ(t *testing.T) {
	path := filepath.Join(write(t, map[string]string{"logo.svgz": "x"}), "logo.svgz")
	for attachment, want := range map[bool]string{false: "gzip", true: ""} {
		resp, err := staticfiles.Send(path, staticfiles.SendOptions{Attachment: attachment})
		require.NoError(t, err)
		h := serve(t, resp, "GET").Header
		require.Equal(t, want, h.Get("Content-Encoding"))
		require.Equal(t, "image/svg+xml; charset=utf-8", h.Get("Content-Type"))
	}
}

func TestAnSVGZThatIsSentAsAnotherTypeHasNoEncoding(t *testing.T) {
	dir := write(t, map[string]string{"logo.svgz": "x"})
	for contentType, want := range map[string]string{"image/svg+xml": "gzip", "IMAGE/SVG+XML; charset=utf-8": "gzip", "application/gzip": "", "text/html": ""} {
		t.Run(contentType, func(t *testing.T) {
			resp, err := staticfiles.Send(filepath.Join(dir, "logo.svgz"), staticfiles.SendOptions{ContentType: contentType})
			require.NoError(t, err)
			require.Equal(t, want, serve(t, resp, "GET").Header.Get("Content-Encoding"))
			s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Dir: dir, Types: map[string]string{"svgz": contentType}}}})
			require.Equal(t, want, ask(s, "GET", "/logo.svgz").Header.Get("Content-Encoding"))
		})
	}
}

func TestSendReportsWhatCannotBeSent(t *testing.T) {
	path := filepath.Join(write(t, map[string]string{"a.txt": "content"}), "a.txt")
	for says, opts := range map[string]staticfiles.SendOptions{
		`"a\"b" is not an entity tag`: {ETag: `a"b`},
		`"\"" is not an entity tag`:   {ETag: `"`},
		`"a b" is not an entity tag`:  {ETag: "a b"},
		`"a\n" is not an entity tag`:  {ETag: "a\n"},
		"Content-Type":                {ContentType: "text/x\r\na: b"},
		"Cache-Control":               {CacheControl: "no-cache\r\na: b"},
	} {
		_, err := staticfiles.Send(path, opts)
		require.ErrorContains(t, err, says)
	}
	for given, sent := range map[string]string{"x": `"x"`, `"x"`: `"x"`, `W/"x"`: `W/"x"`, "ü": `"ü"`} {
		resp, err := staticfiles.Send(path, staticfiles.SendOptions{ETag: given})
		require.NoError(t, err)
		require.Equal(t, sent, serve(t, resp, "GET").Header.Get("ETag"))
	}
}

// If a client got a date in the future, it could miss any later change.
func TestSendDoesNotTellADateToCome(t *testing.T) {
	path := filepath.Join(write(t, map[string]string{"a.txt": "content"}), "a.txt")
	later := time.Now().Add(time.Hour)
	for _, opts := range []staticfiles.SendOptions{{}, {LastModified: later}} {
		require.NoError(t, os.Chtimes(path, later, later))
		resp, err := staticfiles.Send(path, opts)
		require.NoError(t, err)
		got := serve(t, resp, "GET", "If-Modified-Since", later.UTC().Format(http.TimeFormat))
		require.Equal(t, 200, got.StatusCode)
		require.Empty(t, got.Header.Get("Last-Modified"))
		require.NotEmpty(t, got.Header.Get("ETag"))
	}
}

func TestSendReaderOfAFile(t *testing.T) {
	embedded, err := assets.Open("testdata/assets/style.css")
	require.NoError(t, err)
	_, err = embedded.Read(make([]byte, 3)) // the whole file is sent anyway
	require.NoError(t, err)
	resp, err := staticfiles.SendReader(embedded.(io.ReadSeeker), staticfiles.SendOptions{})
	require.NoError(t, err)
	got := serve(t, resp, "GET")
	require.Equal(t, "body { margin: 0 }\n", body(t, got))
	require.Equal(t, "inline; filename=style.css", got.Header.Get("Content-Disposition"))
	require.Empty(t, got.Header.Get("Last-Modified"))
	tag := got.Header.Get("ETag")
	require.NotEmpty(t, tag, "of the content")

	resp, err = staticfiles.SendFromFS(assets, "testdata/assets/style.css", staticfiles.SendOptions{})
	require.NoError(t, err)
	require.Equal(t, 304, serve(t, resp, "GET", "If-None-Match", tag).StatusCode)

	dir, err := os.Open(t.TempDir())
	require.NoError(t, err)
	_, err = staticfiles.SendReader(dir, staticfiles.SendOptions{})
	require.ErrorContains(t, err, "not a regular file")
	require.ErrorIs(t, dir.Close(), fs.ErrClosed, "it was taken over")
}

// closing records when it was closed.
type closing struct {
	*bytes.Reader
	closed *bool
}

func (c closing) Close() error { *c.closed = true; return nil }

func TestSendReader(t *testing.T) {
	closed := false
	content := closing{bytes.NewReader([]byte("0123456789")), &closed}
	content.Seek(5, io.SeekStart)
	resp, err := staticfiles.SendReader(content, staticfiles.SendOptions{DownloadName: "digits.txt"})
	require.NoError(t, err)
	got := serve(t, resp, "GET", "Range", "bytes=-3")
	require.Equal(t, 206, got.StatusCode)
	require.Equal(t, "789", body(t, got))
	require.Equal(t, "bytes 7-9/10", got.Header.Get("Content-Range"))
	require.Empty(t, got.Header.Get("ETag"))
	require.True(t, closed)

	for _, c := range []struct {
		opts staticfiles.SendOptions
		want string
	}{
		{staticfiles.SendOptions{}, "set DownloadName or ContentType"},
		{staticfiles.SendOptions{ContentType: "text/plain", Attachment: true}, "set DownloadName"},
		{staticfiles.SendOptions{ContentType: "text/plain", CacheControl: "a\nb"}, "Cache-Control"},
		{staticfiles.SendOptions{ContentType: "text/plain", ETag: "a b"}, "is not an entity tag"},
	} {
		closed := false
		_, err = staticfiles.SendReader(closing{bytes.NewReader(nil), &closed}, c.opts)
		require.ErrorContains(t, err, c.want)
		require.True(t, closed, c.want)
	}
	resp, err = staticfiles.SendReader(strings.NewReader("x"), staticfiles.SendOptions{ContentType: "text/plain"})
	require.NoError(t, err)
	require.Empty(t, serve(t, resp, "GET").Header.Get("Content-Disposition"))
}

func TestSendFrom(t *testing.T) {
	parent := write(t, map[string]string{"secret.txt": "secret", "up/a.txt": "a", "up/sub/b.txt": "b", "up/.env": "secret"})
	dir := filepath.Join(parent, "up")
	require.NoError(t, os.Symlink("../secret.txt", filepath.Join(dir, "out")))
	require.NoError(t, os.Symlink("sub/b.txt", filepath.Join(dir, "in")))
	makeFIFO(t, filepath.Join(dir, "fifo"))
	from := map[string]func(string) (*wrappers.Response, error){
		"a directory": func(name string) (*wrappers.Response, error) {
			return staticfiles.SendFrom(dir, name, staticfiles.SendOptions{})
		},
		"an fs.FS": func(name string) (*wrappers.Response, error) {
			return staticfiles.SendFromFS(fstest.MapFS{"a.txt": {Data: []byte("a")}, "sub/b.txt": {Data: []byte("b")}, "in": {Data: []byte("b")}}, name, staticfiles.SendOptions{})
		},
	}
	for source, send := range from {
		for name, want := range map[string]string{"a.txt": "a", "sub/b.txt": "b", "in": "b"} {
			resp, err := send(name)
			require.NoError(t, err, "%s of %s", name, source)
			require.Equal(t, want, body(t, serve(t, resp, "GET")))
		}
		for _, name := range []string{
			"", ".", "..", "/a.txt", "../secret.txt", "sub/../a.txt", "sub", "sub/", "a.txt/", "missing", "a.txt\x00", `..\secret.txt`,
			"out", "fifo", ".env", "//a.txt", "a.txt/x",
		} {
			_, err := send(name)
			require.ErrorIs(t, err, httperror.NotFound, "%q of %s", name, source)
		}
	}
	resp, err := staticfiles.SendFrom(dir, ".env", staticfiles.SendOptions{Dotfiles: true})
	require.NoError(t, err)
	require.NoError(t, resp.Close())

	_, err = staticfiles.SendFrom(filepath.Join(parent, "gone"), "a.txt", staticfiles.SendOptions{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.False(t, errors.Is(err, httperror.NotFound), "the program's mistake, not the client's")
	_, err = staticfiles.Send(filepath.Join(parent, "gone"), staticfiles.SendOptions{})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestOffload(t *testing.T) {
	dir := write(t, map[string]string{"a b#1.txt": "content"})
	send := func(o func(string) (string, string, error), header ...string) *http.Response {
		resp, err := staticfiles.SendFrom(dir, "a b#1.txt", staticfiles.SendOptions{Offload: o})
		require.NoError(t, err)
		return serve(t, resp, "GET", header...)
	}
	got := send(staticfiles.XSendfile)
	require.Equal(t, filepath.ToSlash(dir)+"/a%20b%231.txt", got.Header.Get("X-Sendfile"))
	require.Empty(t, body(t, got))
	require.Equal(t, "text/plain; charset=utf-8", got.Header.Get("Content-Type"))

	accel := staticfiles.XAccelRedirect(filepath.Dir(dir), "/protected/")
	got = send(accel, "Range", "bytes=1-2")
	require.Equal(t, 200, got.StatusCode, "the server in front cuts ranges")
	require.Equal(t, "/protected/"+filepath.Base(dir)+"/a%20b%231.txt", got.Header.Get("X-Accel-Redirect"))

	got = send(accel, "If-None-Match", got.Header.Get("ETag"))
	require.Equal(t, 304, got.StatusCode)
	require.Empty(t, got.Header.Get("X-Accel-Redirect"))
	for _, condition := range [][]string{{"If-Match", `"other"`}, {"If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"}} {
		got = send(accel, condition...)
		require.Equal(t, 200, got.StatusCode, "nginx has other tags")
		require.NotEmpty(t, got.Header.Get("X-Accel-Redirect"))
		got = send(staticfiles.XSendfile, condition...)
		require.Equal(t, 412, got.StatusCode)
		require.Empty(t, got.Header.Get("X-Sendfile"))
	}
	require.Empty(t, send(accel).Header.Get("Accept-Ranges"), "that is for the server in front to say")

	_, err := staticfiles.SendFrom(dir, "a b#1.txt", staticfiles.SendOptions{Offload: staticfiles.XAccelRedirect(t.TempDir(), "/p")})
	require.ErrorContains(t, err, "is not below")
}
