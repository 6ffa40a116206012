package staticfiles_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/guide"
	"github.com/zeugkit/zeug/staticfiles"
)

func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	folder := strings.NewReplacer("testdata/guide", "static", "FS: site,", "FS: assets,")
	guide.Holds(t, "../docs/static.md", folder, "example_guide_test.go")
}

// TestRequestsOfTheGuide sends the requests of the last table of docs/static.md.
func TestRequestsOfTheGuide(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a/b.css": "ten bytes\n", "a.css": "ten bytes\n", "a.css.gz": "not really", "empty.css": "",
		`a\b.css`: "backslash", "a\xff.css": "not UTF-8", "future.css": "later", "old.css": "earlier",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Log(err) // a name that this system does not have
		}
	}
	day := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, name := range []string{"a.css", "a.css.gz"} {
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), day, day))
	}
	require.NoError(t, os.Chtimes(filepath.Join(dir, "future.css"), day, time.Now().Add(24*time.Hour)))
	require.NoError(t, os.Chtimes(filepath.Join(dir, "old.css"), day, time.Unix(0, 0)))
	app := staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", Dir: dir}}}.Wrap(http.NotFoundHandler())
	ask := func(method, target string, fields ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "/", nil)
		path, err := unescape(target)
		require.NoError(t, err)
		r.URL.Path, r.URL.RawPath = path, target
		for i := 0; i+1 < len(fields); i += 2 {
			r.Header.Set(fields[i], fields[i+1])
		}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		return w
	}
	tag := ask("GET", "/static/a.css").Header().Get("ETag")

	page, err := os.ReadFile("../docs/static.md")
	require.NoError(t, err)
	rows := regexp.MustCompile("(?m)^\\| `(GET) (/[^`]*)`(.*?) \\| (\\d+)(.*?) \\|").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		var fields []string
		for _, field := range regexp.MustCompile("`([A-Za-z-]+): ([^`]*)`").FindAllStringSubmatch(row[3], -1) {
			fields = append(fields, field[1], strings.ReplaceAll(field[2], `"…"`, tag))
		}
		w := ask(row[1], row[2], fields...)
		want, err := strconv.Atoi(row[4])
		require.NoError(t, err)
		require.Equal(t, want, w.Code, row[0])
		require.Equal(t, strings.Contains(row[5], "gzip"), w.Header().Get("Content-Encoding") == "gzip", row[0])
		if strings.Contains(row[5], "no `Last-Modified`") {
			require.Empty(t, w.Header().Get("Last-Modified"), row[0])
			require.NotEmpty(t, w.Header().Get("ETag"), row[0])
		}
	}
}

func unescape(path string) (string, error) {
	r, err := http.NewRequest("GET", path, nil)
	if err != nil {
		return "", err
	}
	return r.URL.Path, nil
}
