package wsgi_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/gateway/wsgi"
)

// Real frameworks, unmodified, at the root and below a mount.
func TestFrameworks(t *testing.T) {
	for _, c := range []struct {
		module, app string
		indexOnly   bool
	}{
		{"flask", "flask_app:app", false},
		{"django", "django_app", false},
		{"bottle", "bottle_app:app", false},
		{"pyramid", "pyramid_app", true},
		{"falcon", "falcon_app", true},
	} {
		t.Run(c.module, func(t *testing.T) {
			l := run(t, wsgi.Config{App: c.app, Python: python(t, c.module), Workers: 1, SpoolChunked: 1 << 20})
			mounted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if below, ok := gateway.Mount(r, "/legacy"); ok {
					r = below
				}
				l.ServeHTTP(w, r)
			}))
			defer mounted.Close()
			for _, at := range []string{l.server.URL, mounted.URL + "/legacy"} {
				f := &framework{t: t, at: at}
				f.client.Jar, _ = cookiejar.New(nil)
				root := "the root"
				if at != l.server.URL {
					root = "/legacy"
				}
				f.gets("/", 200, "index of "+root+" at "+at+"/")
				if c.indexOnly {
					continue
				}
				f.posts("/form", "application/x-www-form-urlencoded", url.Values{"name": {"Ü"}, "colour": {"red", "blue"}}.Encode(), "Ü, red,blue")
				f.posts("/json", "application/json", `{"a": [1, 2, "ü"]}`, "")
				var b bytes.Buffer
				m := multipart.NewWriter(&b)
				require.NoError(t, m.WriteField("title", "a title"))
				part, err := m.CreateFormFile("file", "large.bin")
				require.NoError(t, err)
				part.Write(bytes.Repeat([]byte("x"), 300000))
				require.NoError(t, m.Close())
				f.posts("/upload", m.FormDataContentType(), b.String(), "large.bin of 300000 bytes, a title")
				f.gets("/stream", 200, "0\n1\n2\n3\n4\n")
				source, err := os.ReadFile(filepath.Join("testdata", c.module+"_app.py"))
				require.NoError(t, err)
				f.gets("/file", 200, string(source))
				f.gets("/count", 200, "1")
				f.gets("/count", 200, "2")
				f.gets("/away", 200, "index of "+root+" at "+at+"/")
				f.gets("/missing", 404, "")
				f.gets("/raise", 500, "")
			}
			if c.indexOnly || c.module == "django" { // which logs nothing unless it is told to
				return
			}
			require.Contains(t, l.log.String(), "LookupError: in "+strings.ToUpper(c.module[:1])+c.module[1:])
		})
	}
}

// framework is a client of an application.
type framework struct {
	t      *testing.T
	at     string
	client http.Client
}

func (f *framework) gets(path string, status int, want string) {
	f.t.Helper()
	resp, err := f.client.Get(f.at + path)
	f.is(resp, err, status, want)
}

// posts sends a body twice, once without saying how long it is.
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
	l := run(t, wsgi.Config{App: "flask_app:create_app(greeting='made')", Python: python(t, "flask"), Workers: 1})
	_, body := l.get("/")
	require.Equal(t, "made", body)
}
