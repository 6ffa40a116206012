package staticfiles_test

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/staticfiles"
)

// escapes are paths that try to leave /static, or to name a file in a way that
// a check does not recognise.
var escapes = []string{
	"/static/../secret.txt", "/static/./a.txt", "/static/sub/../a.txt", "/static/sub/../../secret.txt",
	"/static/%2e%2e/secret.txt", "/static/%2e%2e%2fsecret.txt", "/static/..%2fsecret.txt", "/static/..%2Fsecret.txt",
	"/static/..%5csecret.txt", `/static/..\secret.txt`, `/static/sub\b.txt`, "/static/sub%5Cb.txt", "/static/sub%2fb.txt", "/static/sub%2Fb.txt",
	"/static/%252e%252e%252fsecret.txt", "/static/..%252fsecret.txt", "/static/..%c0%afsecret.txt", "/static/%c0%ae%c0%ae/secret.txt",
	"/static/..%ef%bc%8fsecret.txt", "/static/%uff0e%uff0e/secret.txt", "/static/....//secret.txt", "/static/..;/secret.txt",
	"/static/a.txt%00", "/static/a.txt%00.css", "/static/%00/a.txt", "/static/a.txt%00/../../secret.txt",
	"/static//a.txt", "/static///a.txt", "/static/sub//b.txt", "//static/a.txt", "/static/a.txt/", "/static/a.txt/.", "/static/a.txt/..",
	"/static/.env", "/static/.git/config", "/static/sub/.hidden", "/static/%2eenv", "/static/.well-known/x",
	"/static/link-out", "/static/link-out/secret.txt", "/static/link-file", "/static/link-root/etc/passwd", "/static/link-loop", "/static/link-absolute",
	"/static/C:/Windows/win.ini", "/static/C:a.txt", "/static/file:///etc/passwd", "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/%2Fetc/passwd",
	"/static/a.txt::$DATA", "/static/a.txt.", "/static/a.txt%20", "/static/A.TXT", "/static/sub", "/static/sub/", "/static/", "/static",
	"/static/~root", "/static/*", "/static/a.tx?", "/static/fifo", "/static/socket/x", "/static/a.txt/b",
}

func TestNothingOutsideIsAnswered(t *testing.T) {
	parent := write(t, map[string]string{
		"secret.txt": "secret", "out/secret.txt": "secret",
		"static/a.txt": "a", "static/sub/b.txt": "b", "static/.env": "secret", "static/.git/config": "secret",
		"static/sub/.hidden": "secret", "static/.well-known/x": "secret",
	})
	root := filepath.Join(parent, "static")
	for name, target := range map[string]string{
		"link-out": "../out", "link-file": "../secret.txt", "link-root": "/", "link-loop": "link-loop",
		"link-in": "sub/b.txt", "link-dir": "sub", "link-absolute": filepath.Join(root, "a.txt"),
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	makeFIFO(t, filepath.Join(root, "fifo"))
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", Dir: root}}})
	for _, path := range escapes {
		t.Run("left alone is "+path, func(t *testing.T) {
			resp := get(t, s, path)
			require.Equal(t, http.StatusTeapot, resp.StatusCode)
			require.NotContains(t, body(t, resp), "secret\n")
		})
	}
	for _, path := range []string{"/static/a.txt", "/static/sub/b.txt", "/static/link-in", "/static/link-dir/b.txt", "/static/%61.txt"} {
		t.Run("answered is "+path, func(t *testing.T) {
			require.Equal(t, 200, get(t, s, path).StatusCode)
		})
	}
}

// A named pipe without a writer is skipped, not waited for, wherever it is.
func TestPipesAreNotWaitedFor(t *testing.T) {
	dir := write(t, map[string]string{"sub/a.txt": "a"})
	makeFIFO(t, filepath.Join(dir, "sub", "fifo"))
	require.NoError(t, os.Symlink("fifo", filepath.Join(dir, "sub", "link")))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer root.Close()
	subOf := func(fsys fs.FS) fs.FS {
		sub, err := fs.Sub(fsys, "sub")
		require.NoError(t, err)
		return sub
	}
	for name, x := range map[string]staticfiles.Export{
		"a directory":             {Dir: filepath.Join(dir, "sub")},
		"an os.DirFS":             {FS: os.DirFS(filepath.Join(dir, "sub"))},
		"below an os.DirFS":       {FS: os.DirFS(dir), Dir: "sub"},
		"below a root":            {FS: root.FS(), Dir: "sub"},
		"an fs.Sub of os.DirFS":   {FS: subOf(os.DirFS(dir))},
		"an fs.FS of no one else": {FS: fstest.MapFS{"a.txt": {Data: []byte("a")}, "fifo": {Mode: fs.ModeNamedPipe}}},
	} {
		t.Run("in "+name, func(t *testing.T) {
			s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{x}})
			require.Equal(t, 200, get(t, s, "/a.txt").StatusCode)
			paths := []string{"/fifo", "/link"}
			if strings.HasPrefix(name, "an fs.Sub") {
				paths = paths[:1] // it does not report the targets of links
			}
			for _, path := range paths {
				status := make(chan int, 1)
				go func() { status <- get(t, s, path).StatusCode }()
				select {
				case code := <-status:
					require.Equal(t, http.StatusTeapot, code)
				case <-time.After(30 * time.Second):
					t.Fatalf("%s waits", path)
				}
			}
			if x.FS != nil && x.Dir == "" {
				_, err := staticfiles.SendFromFS(x.FS, "fifo", staticfiles.SendOptions{})
				require.ErrorIs(t, err, httperror.NotFound)
			}
		})
	}
}

// get requests a path exactly as it is written, like a client that does not
// clean paths.
func get(t testing.TB, s *staticfiles.Shared, path string) *http.Response {
	r := httptest.NewRequest("GET", "/", nil)
	u, err := url.ParseRequestURI(path)
	if err != nil {
		u = &url.URL{Path: path} // net/http itself answers with 400
	}
	r.URL = u
	w := httptest.NewRecorder()
	s.Wrap(application).ServeHTTP(w, r)
	return w.Result()
}

func TestDotfilesWhereWanted(t *testing.T) {
	dir := write(t, map[string]string{".well-known/security.txt": "x"})
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{
		{Prefix: "/all", Dir: dir, Dotfiles: true},
		{Prefix: "/.well-known", Dir: filepath.Join(dir, ".well-known")},
	}})
	for _, path := range []string{"/all/.well-known/security.txt", "/.well-known/security.txt"} {
		require.Equal(t, 200, get(t, s, path).StatusCode, path)
	}
	require.Equal(t, http.StatusTeapot, get(t, s, "/all/../x").StatusCode)
}

func TestGlobs(t *testing.T) {
	names := []string{"a.css", "a.css.map", "sub/b.css", "sub/b.css.map", "private/x.txt", "private/deep/y.txt", "sub/private/z.txt", "Private.TXT", "index.txt", "sub/index.txt"}
	files := make(map[string]string)
	for _, name := range names {
		files[name] = name
	}
	dir := write(t, files)
	for _, c := range []struct {
		allow, hide []string
		shown       string
	}{
		{nil, nil, strings.Join(names, " ")},
		{nil, []string{"*.map"}, "a.css sub/b.css private/x.txt private/deep/y.txt sub/private/z.txt Private.TXT index.txt sub/index.txt"},
		{nil, []string{"/*.map"}, "a.css sub/b.css sub/b.css.map private/x.txt private/deep/y.txt sub/private/z.txt Private.TXT index.txt sub/index.txt"},
		{nil, []string{"private"}, "a.css a.css.map sub/b.css sub/b.css.map Private.TXT index.txt sub/index.txt"},
		{nil, []string{"/private"}, "a.css a.css.map sub/b.css sub/b.css.map sub/private/z.txt Private.TXT index.txt sub/index.txt"},
		{nil, []string{"private/*.txt"}, "a.css a.css.map sub/b.css sub/b.css.map private/deep/y.txt sub/private/z.txt Private.TXT index.txt sub/index.txt"},
		{nil, []string{"private/**"}, "a.css a.css.map sub/b.css sub/b.css.map sub/private/z.txt Private.TXT index.txt sub/index.txt"},
		{nil, []string{"**/*.txt"}, "a.css a.css.map sub/b.css sub/b.css.map"},
		{nil, []string{"**/private/**"}, "a.css a.css.map sub/b.css sub/b.css.map Private.TXT index.txt sub/index.txt"},
		{nil, []string{"private*"}, "a.css a.css.map sub/b.css sub/b.css.map index.txt sub/index.txt"},
		{[]string{"*.css"}, nil, "a.css sub/b.css"},
		{[]string{"/*.css"}, nil, "a.css"},
		{[]string{"sub/**"}, []string{"*.map"}, "sub/b.css sub/private/z.txt sub/index.txt"},
		{[]string{"**/index.txt"}, nil, "index.txt sub/index.txt"},
		{[]string{"?.css", "[pP]rivate.TXT"}, nil, "a.css sub/b.css Private.TXT"},
	} {
		t.Run(strings.Join(c.allow, " ")+" without "+strings.Join(c.hide, " "), func(t *testing.T) {
			s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Dir: dir, Allow: c.allow, Hide: c.hide}}})
			var shown []string
			for _, name := range names {
				if get(t, s, "/"+name).StatusCode == 200 {
					shown = append(shown, name)
				}
			}
			require.Equal(t, c.shown, strings.Join(shown, " "))
		})
	}
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Dir: dir, Allowed: func(name string) bool { return name == "sub/b.css" }}}})
	require.Equal(t, 200, get(t, s, "/sub/b.css").StatusCode)
	require.Equal(t, http.StatusTeapot, get(t, s, "/a.css").StatusCode)
}

// FuzzPaths requests arbitrary paths. A response must be one of the files that exist for it, under
// a path that names it.
func FuzzPaths(f *testing.F) {
	for _, path := range escapes {
		f.Add(path)
	}
	f.Add("/static/a.txt")
	parent := write(f, map[string]string{"secret.txt": "secret", "static/a.txt": "a.txt", "static/sub/b.txt": "sub/b.txt", "static/.env": "secret"})
	require.NoError(f, os.Symlink("../secret.txt", filepath.Join(parent, "static", "link")))
	s := open(f, staticfiles.SharedData{
		Memory:  32 << 10, // so that the cache must free memory all the time
		Exports: []staticfiles.Export{{Prefix: "/static", Dir: filepath.Join(parent, "static"), Index: "b.txt"}},
	})
	f.Fuzz(func(t *testing.T, path string) {
		resp := get(t, s, path)
		switch resp.StatusCode {
		case http.StatusTeapot, http.StatusPermanentRedirect:
		case http.StatusOK:
			u, err := url.ParseRequestURI(path)
			require.NoError(t, err)
			name := strings.TrimPrefix(u.Path, "/static/")
			if strings.HasSuffix(name, "/") {
				name += "b.txt"
			}
			require.Equal(t, name, body(t, resp), "of %q", path)
		default:
			t.Fatalf("%q: %d", path, resp.StatusCode)
		}
	})
}
