package staticfiles_test

import (
	"archive/zip"
	"bytes"
	"embed"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

//go:embed testdata/assets
var assets embed.FS

// application gets the requests for which there is no file.
var application = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusTeapot)
	io.WriteString(w, "application "+r.Method+" "+r.URL.Path)
})

// write creates files below a new directory. Their dates are an hour old, like those of files that
// are not being edited.
func write(t testing.TB, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range files {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), content)
	}
	return dir
}

func put(t testing.TB, path, content string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	date := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(path, date, date))
}

func open(t testing.TB, d staticfiles.SharedData) *staticfiles.Shared {
	t.Helper()
	s, err := d.Open()
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

// ask sends one request through s; header holds alternating names and values.
func ask(s *staticfiles.Shared, method, target string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Wrap(application).ServeHTTP(w, r)
	return w.Result()
}

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b)
}

func TestExports(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "dir a", "sub/b.css": "dir b", "äöü.txt": "umlauts", "100%.txt": "percent"})
	second := write(t, map[string]string{"a.txt": "second a", "c.txt": "second c"})
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	f, _ := z.Create("docs/index.html")
	io.WriteString(f, "zipped")
	require.NoError(t, z.Close())
	zipFile := filepath.Join(t.TempDir(), "docs.zip")
	require.NoError(t, os.WriteFile(zipFile, archive.Bytes(), 0o644))

	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/static", Dir: dir},
		{Prefix: "/static/", Dir: second},
		{Prefix: "/favicon.ico", File: filepath.Join(dir, "a.txt")},
		{Prefix: "/embedded", FS: assets, Dir: "testdata/assets"},
		{Prefix: "/whole", FS: assets},
		{Prefix: "/logo", FS: assets, File: "testdata/assets/logo.svg"},
		{Prefix: "/zip", Zip: zipFile, Dir: "docs"},
		{Prefix: "/m%C3%A4p", FS: fstest.MapFS{"x.json": {Data: []byte("{}")}}},
	}})
	for target, want := range map[string]string{
		"/static/a.txt":                    "dir a",
		"/static/sub/b.css":                "dir b",
		"/static/c.txt":                    "second c",
		"/static/%C3%A4%C3%B6%C3%BC.txt":   "umlauts",
		"/static/100%25.txt":               "percent",
		"/static/%61.txt":                  "dir a",
		"/static/a.txt?query=1":            "dir a",
		"/favicon.ico":                     "dir a",
		"/embedded/style.css":              "body { margin: 0 }\n",
		"/whole/testdata/assets/style.css": "body { margin: 0 }\n",
		"/zip/index.html":                  "zipped",
		"/m%C3%A4p/x.json":                 "{}",
	} {
		t.Run("answers "+target, func(t *testing.T) {
			for range 2 { // from the file and from memory
				resp := ask(s, "GET", target)
				require.Equal(t, 200, resp.StatusCode)
				require.Equal(t, want, body(t, resp))
				require.Equal(t, int64(len(want)), resp.ContentLength)
			}
		})
	}
	for _, target := range []string{
		"/", "/static", "/static/", "/static/sub", "/static/sub/", "/static/missing", "/staticx", "/static/a.txt/",
		"/static//a.txt", "//static/a.txt", "/favicon.ico/", "/favicon.icox", "/zip/", "/zip/docs/index.html", "/STATIC/a.txt",
	} {
		t.Run("leaves "+target+" to the application", func(t *testing.T) {
			resp := ask(s, "GET", target)
			require.Equal(t, http.StatusTeapot, resp.StatusCode)
			require.Empty(t, resp.Header.Get("Cache-Control"))
		})
	}
}

func TestMethods(t *testing.T) {
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/s", FS: assets, Dir: "testdata/assets"}}})
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"} {
		require.Equal(t, http.StatusTeapot, ask(s, method, "/s/style.css").StatusCode, method)
	}
	resp := ask(s, "HEAD", "/s/style.css")
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "19", resp.Header.Get("Content-Length"))
	require.Empty(t, body(t, resp))
}

func TestHeader(t *testing.T) {
	dir := write(t, map[string]string{"a.css": "a{}"})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/s", Dir: dir, Header: http.Header{"Access-Control-Allow-Origin": {"*"}, "Content-Language": {"de"}}},
		{Prefix: "/day", Dir: dir, CacheControl: "public, max-age=86400", Types: map[string]string{"css": "text/x-mine"}},
	}})
	h := ask(s, "GET", "/s/a.css").Header
	require.Equal(t, "text/css; charset=utf-8", h.Get("Content-Type"))
	require.Equal(t, "no-cache", h.Get("Cache-Control"))
	require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
	require.Equal(t, "bytes", h.Get("Accept-Ranges"))
	require.Equal(t, "*", h.Get("Access-Control-Allow-Origin"))
	require.NotEmpty(t, h.Get("ETag"))
	require.Equal(t, "de", h.Get("Content-Language"))
	_, err := http.ParseTime(h.Get("Last-Modified"))
	require.NoError(t, err)

	resp := ask(s, "GET", "/s/a.css", "If-None-Match", h.Get("ETag"))
	require.Equal(t, 304, resp.StatusCode)
	require.Equal(t, "*", resp.Header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, resp.Header.Get("Content-Language"), "it describes the content")

	h = ask(s, "GET", "/day/a.css").Header
	require.Equal(t, "public, max-age=86400", h.Get("Cache-Control"))
	require.Equal(t, "text/x-mine; charset=utf-8", h.Get("Content-Type"))
}

func TestRevalidation(t *testing.T) {
	dir := write(t, map[string]string{"a.css": "a{}"})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/s", Dir: dir}, {Prefix: "/e", FS: assets, Dir: "testdata/assets"},
	}})
	for _, target := range []string{"/s/a.css", "/e/style.css"} {
		tag := ask(s, "GET", target).Header.Get("ETag")
		for _, value := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
			resp := ask(s, "GET", target, "If-None-Match", value)
			require.Equal(t, 304, resp.StatusCode, value)
			require.Equal(t, tag, resp.Header.Get("ETag"))
			require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"))
			require.Empty(t, resp.Header.Get("Content-Type"))
		}
		require.Equal(t, 200, ask(s, "GET", target, "If-None-Match", `"other"`).StatusCode)
	}
	date := ask(s, "GET", "/s/a.css").Header.Get("Last-Modified")
	require.Equal(t, 304, ask(s, "GET", "/s/a.css", "If-Modified-Since", date).StatusCode)
	require.Equal(t, 200, ask(s, "GET", "/s/a.css", "If-Modified-Since", date, "If-None-Match", `"other"`).StatusCode)
	require.Equal(t, 412, ask(s, "GET", "/s/a.css", "If-Match", `"other"`).StatusCode)
}

func TestOpenReportsBadExports(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "a"})
	for name, c := range map[string]struct {
		export staticfiles.Export
		says   string
	}{
		"a missing directory":          {staticfiles.Export{Prefix: "/s", Dir: "no-such-dir"}, `directory "no-such-dir" in "`},
		"a missing file":               {staticfiles.Export{Prefix: "/s", File: filepath.Join(dir, "b.txt")}, "b.txt"},
		"a file as directory":          {staticfiles.Export{Prefix: "/s", Dir: filepath.Join(dir, "a.txt")}, "is a file: set File instead of Dir"},
		"a directory as file":          {staticfiles.Export{Prefix: "/s", File: dir}, "is a directory: set Dir instead of File"},
		"a missing directory of an FS": {staticfiles.Export{Prefix: "/s", FS: assets, Dir: "gone"}, `directory "gone" of the FS`},
		"no zip file":                  {staticfiles.Export{Prefix: "/s", Zip: filepath.Join(dir, "a.txt")}, "not a valid zip file"},
		"a bad glob":                   {staticfiles.Export{Prefix: "/s", Dir: dir, Hide: []string{"[a"}}, `Hide: glob "[a"`},
		"an empty glob":                {staticfiles.Export{Prefix: "/s", Dir: dir, Allow: []string{""}}, `Allow: glob ""`},
		"nothing to export":            {staticfiles.Export{Prefix: "/s"}, "nothing is exported"},
		"two places":                   {staticfiles.Export{Prefix: "/s", FS: assets, Zip: "a.zip"}, "FS and Zip"},
		"two things":                   {staticfiles.Export{Prefix: "/s", Dir: dir, File: "a.txt"}, "Dir and File"},
		"a file at the root":           {staticfiles.Export{File: filepath.Join(dir, "a.txt")}, "needs a prefix"},
		"a prefix of dots":             {staticfiles.Export{Prefix: "/a/../b", Dir: dir}, "prefix"},
		"a bad escape":                 {staticfiles.Export{Prefix: "/100%", Dir: dir}, "%25"},
		"a line break in a type":       {staticfiles.Export{Prefix: "/s", Dir: dir, Types: map[string]string{".x": "text/x\r\na: b"}}, "line breaks"},
		"a field of the file's own":    {staticfiles.Export{Prefix: "/s", Dir: dir, Header: http.Header{"Etag": {`"x"`}}}, "Etag is made for each file"},
		"a type for all":               {staticfiles.Export{Prefix: "/s", Dir: dir, Header: http.Header{"Content-Type": {"text/x"}}}, "set Types"},
		"a line break":                 {staticfiles.Export{Prefix: "/s", Dir: dir, CacheControl: "a\r\nb: c"}, "line breaks"},
	} {
		t.Run(name, func(t *testing.T) {
			d := staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/fine", Dir: dir}, c.export}}
			_, err := d.Open()
			require.ErrorContains(t, err, c.says)
			require.ErrorContains(t, err, "export 1")
			require.Panics(t, func() { d.Wrap(application) })
		})
	}
}

// misjudged is a file system whose files report a negative size.
type misjudged struct{ fs.FS }

type misjudgedFile struct{ fs.File }

type misjudgedInfo struct{ fs.FileInfo }

func (m misjudged) Open(name string) (fs.File, error) {
	f, err := m.FS.Open(name)
	return misjudgedFile{f}, err
}

func (f misjudgedFile) Stat() (fs.FileInfo, error) {
	info, err := f.File.Stat()
	return misjudgedInfo{info}, err
}

func (misjudgedInfo) Size() int64 { return -5 }

func TestAFileSystemThatMisjudgesSizes(t *testing.T) {
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{FS: misjudged{fstest.MapFS{"a.txt": {Data: []byte("a")}}}}}})
	require.Equal(t, 500, ask(s, "GET", "/a.txt").StatusCode)
}

func TestZeroValueExportsNothing(t *testing.T) {
	w := httptest.NewRecorder()
	staticfiles.SharedData{}.Wrap(application).ServeHTTP(w, httptest.NewRequest("GET", "/x", nil))
	require.Equal(t, http.StatusTeapot, w.Code)
}
