package staticfiles_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/templates"
	"github.com/zeugkit/zeug/wrappers"
)

func mark(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])[:12]
}

func TestFingerprintedURLs(t *testing.T) {
	dir := write(t, map[string]string{"style.css": "one", "js/app.min.js": "two", "LICENSE": "three", "a b#.txt": "four", ".env": "secret", "hidden.map": "x"})
	other := write(t, map[string]string{"style.css": "other", "only.css": "only"})
	s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{
		{Prefix: "/static", Dir: dir, Hide: []string{"*.map"}, CacheControl: "max-age=60"},
		{Prefix: "/other", Dir: other},
		{Prefix: "/favicon.ico", File: filepath.Join(dir, "LICENSE")},
		{Prefix: "/m%C3%A4p", FS: assets, Dir: "testdata/assets"},
	}})
	for name, want := range map[string]string{
		"style.css":        "/static/style." + mark("one") + ".css",
		"js/app.min.js":    "/static/js/app.min." + mark("two") + ".js",
		"LICENSE":          "/static/LICENSE." + mark("three"),
		"a b#.txt":         "/static/a%20b%23." + mark("four") + ".txt",
		"only.css":         "/other/only." + mark("only") + ".css",
		"/other/style.css": "/other/style." + mark("other") + ".css",
		"/favicon.ico":     "/favicon." + mark("three") + ".ico",
		"logo.svg":         "/m%C3%A4p/logo." + mark("<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n") + ".svg",
	} {
		t.Run("of "+name, func(t *testing.T) {
			require.Equal(t, want, s.URL(name))
			for range 2 {
				resp := ask(s, "GET", want)
				require.Equal(t, 200, resp.StatusCode)
				require.Equal(t, "public, max-age=31536000, immutable", resp.Header.Get("Cache-Control"))
			}
		})
	}
	require.Equal(t, "max-age=60", ask(s, "GET", "/static/style.css").Header.Get("Cache-Control"))

	for _, name := range []string{"missing.css", ".env", "hidden.map", "js", "", "/", "/static", "/static/", "/nowhere/style.css", "../style.css", "/favicon.ico/x"} {
		t.Run("refused is "+name, func(t *testing.T) {
			_, err := s.StaticURL(wrappers.NewRequest(httptest.NewRequest("GET", "/", nil)), name)
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.NotEmpty(t, s.URL(name))
		})
	}
	_, err := s.StaticURL(wrappers.NewRequest(httptest.NewRequest("GET", "/", nil)), "missing.css")
	require.ErrorContains(t, err, `"/static/" (`+dir+`)`)
	require.Equal(t, "/static/missing.css", s.URL("missing.css"))

	for _, target := range []string{
		"/static/style.000000000000.css", "/static/style." + mark("two") + ".css", "/other/style." + mark("one") + ".css",
		"/static/.env." + mark("secret"), "/static/hidden." + mark("x") + ".map", "/static/js." + mark("x"),
		"/static/style." + strings.ToUpper(mark("one")) + ".css", "/favicon." + mark("one") + ".ico",
	} {
		require.Equal(t, http.StatusTeapot, ask(s, "GET", target).StatusCode, target)
	}
}

func TestAFingerprintFollowsTheContent(t *testing.T) {
	dir := write(t, map[string]string{"style.css": "one"})
	s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{{Dir: dir}}})
	old := s.URL("style.css")
	require.Equal(t, "one", body(t, ask(s, "GET", old)))
	put(t, filepath.Join(dir, "style.css"), "two")
	fresh := s.URL("style.css")
	require.NotEqual(t, old, fresh)
	require.Equal(t, "two", body(t, ask(s, "GET", fresh)))
	require.Equal(t, http.StatusTeapot, ask(s, "GET", old).StatusCode, "the old name is not the new content")
	// A file that really has such a name takes precedence.
	put(t, filepath.Join(dir, strings.TrimPrefix(old, "/")), "built")
	require.Equal(t, "built", body(t, ask(s, "GET", old)))
	require.Equal(t, "no-cache", ask(s, "GET", old).Header.Get("Cache-Control"))
	require.NoError(t, os.Remove(filepath.Join(dir, "style.css")))
	require.Equal(t, http.StatusTeapot, ask(s, "GET", fresh).StatusCode)
}

func TestURLsBelowAMount(t *testing.T) {
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", FS: assets, Dir: "testdata/assets"}}})
	r, ok := gateway.Mount(httptest.NewRequest("GET", "/shop/page", nil), "/shop")
	require.True(t, ok)
	require.Equal(t, "/shop"+s.URL("style.css"), s.URLFor(r, "style.css"))

	env, err := templates.New(fstest.MapFS{"a.html": {Data: []byte(`{{ static_url(name) }}`)}}, templates.Options{StaticURL: s.StaticURL})
	require.NoError(t, err)
	page, err := env.Render(wrappers.NewRequest(r), "a.html", templates.Context{"name": "style.css"})
	require.NoError(t, err)
	text, err := page.Bytes()
	require.NoError(t, err)
	require.Equal(t, s.URLFor(r, "style.css"), string(text))
	_, err = env.Render(wrappers.NewRequest(r), "a.html", templates.Context{"name": "gone.css"})
	require.ErrorContains(t, err, "gone.css")

	mounted := func(target string) *httptest.ResponseRecorder {
		r, _ := gateway.Mount(httptest.NewRequest("GET", target, nil), "/shop")
		w := httptest.NewRecorder()
		s.Wrap(application).ServeHTTP(w, r)
		return w
	}
	require.Equal(t, 200, mounted(s.URLFor(r, "style.css")).Code)
}

// The files are below the mount of the middleware, wherever the application is.
func TestURLsOfAnApplicationMountedBelowTheMiddleware(t *testing.T) {
	for _, root := range []string{"", "/shop", "/shop/a"} {
		s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", FS: assets, Dir: "testdata/assets"}}})
		var got []string
		note := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = append(got, s.URLFor(r, "style.css")) })
		app := s.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if below, ok := gateway.Mount(r, "/admin"); ok {
				r = below
			}
			note.ServeHTTP(w, r)
		}))
		for _, path := range []string{"/", "/admin/", "/adminx", "/admin/admin/"} {
			r := httptest.NewRequest("GET", root+path, nil)
			if root != "" {
				r, _ = gateway.Mount(r, root)
			}
			app.ServeHTTP(httptest.NewRecorder(), r)
		}
		want := root + s.URL("style.css")
		require.Equal(t, []string{want, want, want, want}, got)
	}
}

func TestMountsThatAreRememberedAreBounded(t *testing.T) {
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", FS: assets, Dir: "testdata/assets"}}})
	for i := range 1000 {
		root := "/m" + strconv.Itoa(i)
		r, _ := gateway.Mount(httptest.NewRequest("GET", root+"/x", nil), root)
		s.Wrap(application).ServeHTTP(httptest.NewRecorder(), r)
		require.Equal(t, root+s.URL("style.css"), s.URLFor(r, "style.css"))
	}
}

func TestIndex(t *testing.T) {
	dir := write(t, map[string]string{"index.html": "root", "sub/index.html": "sub", "empty/x.txt": "x", "a:b/index.html": "colon"})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/docs", Dir: dir, Index: "index.html"}}})
	for target, want := range map[string]string{"/docs/": "root", "/docs/sub/": "sub", "/docs/index.html": "root"} {
		require.Equal(t, want, body(t, ask(s, "GET", target)), target)
	}
	for target, want := range map[string]string{"/docs": "./docs/", "/docs/sub?x=1": "./sub/?x=1", "/docs/a:b": "./a:b/"} {
		resp := ask(s, "GET", target)
		require.Equal(t, http.StatusPermanentRedirect, resp.StatusCode)
		require.Equal(t, want, resp.Header.Get("Location"))
	}
	for _, target := range []string{"/docs/empty", "/docs/empty/", "/docs/sub//", "/docs//", "/docs/../"} {
		require.Equal(t, http.StatusTeapot, ask(s, "GET", target).StatusCode, target)
	}
}

func TestNotFoundWhereAsked(t *testing.T) {
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/own", FS: assets, Dir: "testdata/assets", NotFound: true}, {Prefix: "/other", FS: assets, Dir: "testdata/assets"},
	}})
	require.Equal(t, 200, ask(s, "GET", "/own/style.css").StatusCode)
	require.Equal(t, 404, ask(s, "GET", "/own/missing.css").StatusCode)
	require.Equal(t, 404, ask(s, "GET", "/own/%2e%2e/style.css").StatusCode)
	require.Equal(t, 404, ask(s, "GET", "/own").StatusCode)
	resp := ask(s, "POST", "/own/style.css")
	require.Equal(t, 405, resp.StatusCode)
	require.Equal(t, "GET, HEAD", resp.Header.Get("Allow"))
	for _, target := range []string{"/ownx", "/other/missing.css", "/"} {
		require.Equal(t, http.StatusTeapot, ask(s, "GET", target).StatusCode, target)
	}
}

func TestTheLoggerOfTheSettingsTellsOfFiles(t *testing.T) {
	var log bytes.Buffer
	shared, err := staticfiles.SharedData{
		Exports: []staticfiles.Export{{Prefix: "/static", Dir: t.TempDir()}}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}.Open()
	require.NoError(t, err)
	defer shared.Close()
	require.Equal(t, "/static/none.css", shared.URL("none.css"))
	require.Contains(t, log.String(), `msg="static files: a URL leads nowhere" name=none.css`)
}
