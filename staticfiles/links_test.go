package staticfiles_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/wrappers"
)

// linked is a directory whose files can also be reached through links.
func linked(t *testing.T) string {
	t.Helper()
	parent := write(t, map[string]string{
		"secret.txt": "secret", "static/a.txt": "a", "static/sub/b.txt": "b", "static/.env": "secret", "static/.git/config": "secret",
		"static/private/c.txt": "secret", "static/..data/d.txt": "d", "static/e.txt": "e",
	})
	for name, target := range map[string]string{
		"out": "../secret.txt", "out-dir": "..", "out-absolute": filepath.Join(parent, "secret.txt"), "up": "sub/../../secret.txt",
		"env": ".env", "git": ".git", "hidden": "private/c.txt", "hidden-dir": "private", "loop": "loop", "two": "git/config",
		"in": "a.txt", "dir": "sub", "over": "sub/../a.txt", "three": "in", "sub/back": "../a.txt", "volume.txt": "..data/d.txt",
		"e.txt.gz": "../secret.txt", "sub/b.txt.gz": "../.env",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(parent, "static", name)))
	}
	return filepath.Join(parent, "static")
}

func TestLinksLeadToWhatIsShown(t *testing.T) {
	dir := linked(t)
	sub, err := fs.Sub(os.DirFS(filepath.Dir(dir)), "static")
	require.NoError(t, err)
	for place, x := range map[string]staticfiles.Export{
		"a directory":           {Dir: dir},
		"an os.DirFS":           {FS: os.DirFS(dir)},
		"a part of an os.DirFS": {FS: os.DirFS(filepath.Dir(dir)), Dir: "static"},
		"an fs.Sub":             {FS: sub},
	} {
		x.Prefix, x.Hide = "/static", []string{"private"}
		for _, development := range []bool{false, true} {
			s := open(t, staticfiles.SharedData{Development: development, Exports: []staticfiles.Export{x}})
			for _, name := range []string{
				"out", "out-dir/secret.txt", "out-absolute", "up", "env", "git/config", "hidden", "hidden-dir/c.txt", "loop", "two", "dir/../out",
			} {
				resp := get(t, s, "/static/"+name)
				require.Equal(t, http.StatusTeapot, resp.StatusCode, "%s: %s", place, name)
				_, err := s.StaticURL(wrappers.NewRequest(httptest.NewRequest("GET", "/", nil)), name)
				require.Error(t, err, "%s: %s", place, name)
			}
			for name, want := range map[string]string{"in": "a", "dir/b.txt": "b", "over": "a", "three": "a", "sub/back": "a", "volume.txt": "d", "e.txt": "e", "sub/b.txt": "b"} {
				r := httptest.NewRequest("GET", "/static/"+name, nil)
				r.Header.Set("Accept-Encoding", "gzip")
				w := httptest.NewRecorder()
				s.Wrap(application).ServeHTTP(w, r)
				require.Equal(t, 200, w.Code, "%s: %s", place, name)
				require.Equal(t, want, w.Body.String(), "%s: %s", place, name)
				require.Empty(t, w.Header().Get("Content-Encoding"), "a link to what is not shown beside it")
			}
		}
	}
}

func TestSendFromFollowsNoLinkToADotfile(t *testing.T) {
	dir := linked(t)
	for name, ok := range map[string]bool{"env": false, "git/config": false, "two": false, "out": false, "in": true, "volume.txt": true} {
		for place, send := range map[string]func(staticfiles.SendOptions) error{
			"SendFrom": func(opts staticfiles.SendOptions) error {
				resp, err := staticfiles.SendFrom(dir, name, opts)
				if err == nil {
					resp.Close()
				}
				return err
			},
			"SendFromFS": func(opts staticfiles.SendOptions) error {
				resp, err := staticfiles.SendFromFS(os.DirFS(dir), name, opts)
				if err == nil {
					resp.Close()
				}
				return err
			},
		} {
			require.Equal(t, ok, send(staticfiles.SendOptions{}) == nil, "%s %s", place, name)
			require.Equal(t, name != "out", send(staticfiles.SendOptions{Dotfiles: true}) == nil, "%s %s with dotfiles", place, name)
		}
	}
}

func TestHideCoversPrecompressedForms(t *testing.T) {
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{
		Prefix: "/static", Hide: []string{"*.map", "/sub/b.txt"},
		Dir: write(t, map[string]string{
			"x.map": "1", "x.map.gz": "2", "x.map.br": "3", "x.map.zst": "4", "X.MAP.GZ": "5", "x.map.gz.br": "6", "sub/b.txt": "7", "sub/b.txt.gz": "8", "b.txt.gz": "9", "x.js.gz": "10",
		}),
	}}})
	for _, name := range []string{"x.map", "x.map.gz", "x.map.br", "x.map.zst", "X.MAP.GZ", "x.map.gz.br", "sub/b.txt", "sub/b.txt.gz"} {
		require.Equal(t, http.StatusTeapot, get(t, s, "/static/"+name).StatusCode, name)
	}
	for _, name := range []string{"b.txt.gz", "x.js.gz"} {
		require.Equal(t, 200, get(t, s, "/static/"+name).StatusCode, name)
	}
}

// The end of a large member of a zip file cannot be read without unpacking all of it.
func TestARangeOfAZipCostsNoMoreThanItsLength(t *testing.T) {
	const size = 64 << 20
	path := filepath.Join(t.TempDir(), "large.zip")
	f, err := os.Create(path)
	require.NoError(t, err)
	z := zip.NewWriter(f)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "a.bin", Method: zip.Deflate, Modified: time.Unix(1e9, 0)})
	require.NoError(t, err)
	for range size >> 20 {
		_, err = w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
	archive, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer archive.Close()
	shared := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Prefix: "/static", Zip: path}}})
	for place, h := range map[string]http.Handler{
		"SharedData": shared.Wrap(application),
		"SendFromFS": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			resp, err := staticfiles.SendFromFS(archive, "a.bin", staticfiles.SendOptions{})
			if err != nil {
				panic(err)
			}
			resp.ServeHTTP(w, r)
		}),
	} {
		for _, ranges := range []string{"bytes=-60", "bytes=" + strconv.Itoa(size-60) + "-", "bytes=0-1,-60", "bytes=5000000-5000001"} {
			t.Run(place+" "+ranges, func(t *testing.T) {
				r := httptest.NewRequest("GET", "/static/a.bin", nil)
				r.Header.Set("Range", ranges)
				w := &tally{header: http.Header{}}
				h.ServeHTTP(w, r)
				require.Equal(t, 200, w.status, "the whole is what it costs")
				require.NotEqual(t, "bytes", w.header.Get("Accept-Ranges"))
				require.EqualValues(t, size, w.bytes)
			})
		}
	}
	t.Run("a range near the beginning is served", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/static/a.bin", nil)
		r.Header.Set("Range", "bytes=1000010-1000012")
		w := httptest.NewRecorder()
		shared.Wrap(application).ServeHTTP(w, r)
		require.Equal(t, 206, w.Code)
		require.Equal(t, "abc", w.Body.String())
	})
}

// tally counts the bytes of a body.
type tally struct {
	header http.Header
	status int
	bytes  int64
}

func (c *tally) Header() http.Header    { return c.header }
func (c *tally) WriteHeader(status int) { c.status = status }
func (c *tally) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}
