package staticfiles_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
	"github.com/zeugkit/zeug/staticfiles/compress"
)

const script = "console.log('a line of a script that is repeated')\n"

func TestPrecompressed(t *testing.T) {
	dir := write(t, map[string]string{
		"app.js": "plain js", "app.js.br": "br js", "app.js.zst": "zstd js", "app.js.gz": "gzip js",
		"some.css": "plain css", "some.css.gz": "gzip css",
		"photo.png": "plain png", "photo.png.gz": "gzip png",
		"stale.js": "plain new", "stale.js.gz": "gzip old",
		"icon.svgz": "gzipped svg", "failed.js": "plain whole", "failed.js.br": "", "failed.js.gz": "gzip whole",
	})
	old := time.Now().Add(-2 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "stale.js.gz"), old, old))
	s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Dir: dir}}})
	for _, c := range []struct{ path, accept, coding, content string }{
		{"/app.js", "", "", "plain js"},
		{"/app.js", "gzip, deflate, br, zstd", "br", "br js"},
		{"/app.js", "gzip, zstd", "zstd", "zstd js"},
		{"/app.js", "gzip;q=1, br;q=0.9", "gzip", "gzip js"},
		{"/app.js", "br;q=0, *", "zstd", "zstd js"},
		{"/app.js", "gzip;q=0.5, identity", "", "plain js"},
		{"/app.js", "deflate", "", "plain js"},
		{"/some.css", "br, gzip", "gzip", "gzip css"},
		{"/some.css", "br", "", "plain css"},
		{"/photo.png", "gzip", "", "plain png"},
		{"/stale.js", "gzip", "", "plain new"},
		{"/app.js.gz", "gzip", "", "gzip js"},
		{"/failed.js", "br", "", "plain whole"},
		{"/failed.js", "br, gzip", "gzip", "gzip whole"},
		{"/icon.svgz", "", "gzip", "gzipped svg"},
	} {
		t.Run(c.path+" for "+c.accept, func(t *testing.T) {
			resp := ask(s, "GET", c.path, "Accept-Encoding", c.accept)
			require.Equal(t, 200, resp.StatusCode)
			require.Equal(t, c.coding, resp.Header.Get("Content-Encoding"))
			require.Equal(t, int64(len(c.content)), resp.ContentLength)
			require.Equal(t, c.content, body(t, resp))
		})
	}
	require.Equal(t, "text/javascript; charset=utf-8", ask(s, "GET", "/app.js", "Accept-Encoding", "br").Header.Get("Content-Type"))
	require.Equal(t, "application/gzip", ask(s, "GET", "/app.js.gz").Header.Get("Content-Type"))

	t.Run("Vary is where the answer varies", func(t *testing.T) {
		require.Equal(t, "Accept-Encoding", ask(s, "GET", "/app.js").Header.Get("Vary"))
		require.Empty(t, ask(s, "GET", "/photo.png").Header.Get("Vary"))
		resp := ask(s, "GET", "/app.js", "If-None-Match", "*")
		require.Equal(t, 304, resp.StatusCode)
		require.Equal(t, "Accept-Encoding", resp.Header.Get("Vary"))
	})
	t.Run("every form has a tag of its own", func(t *testing.T) {
		tags := make(map[string]bool)
		for _, accept := range []string{"", "br", "zstd", "gzip"} {
			tag := ask(s, "GET", "/app.js", "Accept-Encoding", accept).Header.Get("ETag")
			require.False(t, tags[tag], tag)
			tags[tag] = true
			require.Equal(t, 304, ask(s, "GET", "/app.js", "Accept-Encoding", accept, "If-None-Match", tag).StatusCode)
			require.Equal(t, 200, ask(s, "GET", "/app.js", "Accept-Encoding", accept+",deflate", "If-None-Match", `"x"`).StatusCode)
		}
	})
	t.Run("a range is one of the form", func(t *testing.T) {
		resp := ask(s, "GET", "/app.js", "Accept-Encoding", "zstd", "Range", "bytes=0-3")
		require.Equal(t, 206, resp.StatusCode)
		require.Equal(t, "zstd", body(t, resp))
		require.Equal(t, "bytes 0-3/7", resp.Header.Get("Content-Range"))
	})
}

func TestASiblingComesAndGoes(t *testing.T) {
	dir := write(t, map[string]string{"app.js": "plain"})
	s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{{Dir: dir}}})
	fetch := func() string { return body(t, ask(s, "GET", "/app.js", "Accept-Encoding", "gzip")) }
	require.Equal(t, "plain", fetch())
	for range 2 {
		put(t, filepath.Join(dir, "app.js.gz"), "gzip")
		require.Eventually(t, func() bool { return fetch() == "gzip" }, time.Second, time.Millisecond)
		require.NoError(t, os.Remove(filepath.Join(dir, "app.js.gz")))
		require.Equal(t, "plain", fetch())
	}
}

func TestCompressedAtFirstUse(t *testing.T) {
	content := strings.Repeat(script, 200)
	files := fstest.MapFS{
		"app.js": {Data: []byte(content)}, "short.js": {Data: []byte(script)}, "photo.png": {Data: []byte(content)}, "font.woff2": {Data: []byte(content)},
	}
	var calls atomic.Int32
	encoders := compress.All()
	for i := range encoders {
		encode := encoders[i].Encode
		encoders[i].Encode = func(dst io.Writer, src []byte) error { calls.Add(1); return encode(dst, src) }
	}
	s := open(t, staticfiles.SharedData{Encoders: encoders, Exports: []staticfiles.Export{{FS: files}}})
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			resp := ask(s, "GET", "/app.js", "Accept-Encoding", "gzip")
			unzip, err := gzip.NewReader(resp.Body)
			require.NoError(t, err)
			back, err := io.ReadAll(unzip)
			require.NoError(t, err)
			require.Equal(t, content, string(back))
			require.Less(t, resp.ContentLength, int64(len(content)/10))
		})
	}
	asking.Wait()
	require.Equal(t, int32(1), calls.Load(), "once for all")
	require.Equal(t, "br", ask(s, "GET", "/app.js", "Accept-Encoding", "gzip, deflate, br, zstd").Header.Get("Content-Encoding"))
	for _, path := range []string{"/short.js", "/photo.png", "/font.woff2"} {
		resp := ask(s, "GET", path, "Accept-Encoding", "br")
		require.Empty(t, resp.Header.Get("Content-Encoding"), path)
	}
	require.Equal(t, int32(2), calls.Load())
}

func TestCompressionThatFailsOrDoesNotPay(t *testing.T) {
	noise := make([]byte, 4000)
	for i := range noise {
		noise[i] = byte(i * i * 7919 >> 3)
	}
	s := open(t, staticfiles.SharedData{
		Encoders: []staticfiles.Encoder{
			{Coding: "gzip", Encode: func(dst io.Writer, src []byte) error { _, err := dst.Write(src); return err }},
			{Coding: "br", Encode: func(io.Writer, []byte) error { return errors.New("broken") }},
		},
		Exports: []staticfiles.Export{{FS: fstest.MapFS{"a.txt": {Data: noise}}}},
	})
	for _, accept := range []string{"gzip", "br", "gzip, br"} {
		resp := ask(s, "GET", "/a.txt", "Accept-Encoding", accept)
		require.Empty(t, resp.Header.Get("Content-Encoding"))
		require.Equal(t, string(noise), body(t, resp))
	}
	_, err := staticfiles.SharedData{Encoders: []staticfiles.Encoder{{Coding: "deflate"}}}.Open()
	require.ErrorContains(t, err, `encoder 0: "deflate"`)
}

func TestWarm(t *testing.T) {
	content := strings.Repeat(script, 200)
	files := fstest.MapFS{
		"app.js": {Data: []byte(content)}, "sub/b.css": {Data: []byte(content)}, ".hidden/c.css": {Data: []byte(content)}, "large.bin": {Data: bytes.Repeat([]byte{0}, 1<<20)},
	}
	var calls atomic.Int32
	gzips := compress.Gzip()
	encode := gzips.Encode
	gzips.Encode = func(dst io.Writer, src []byte) error { calls.Add(1); return encode(dst, src) }
	s := open(t, staticfiles.SharedData{Encoders: []staticfiles.Encoder{gzips}, Exports: []staticfiles.Export{{Prefix: "/s", FS: files}}})
	require.NoError(t, s.Warm(t.Context()))
	require.Equal(t, int32(4), calls.Load(), "two files, by their plain and their fingerprinted names")
	require.Equal(t, "gzip", ask(s, "GET", "/s/app.js", "Accept-Encoding", "gzip").Header.Get("Content-Encoding"))
	require.Equal(t, "gzip", ask(s, "GET", s.URL("sub/b.css"), "Accept-Encoding", "gzip").Header.Get("Content-Encoding"))
	require.Equal(t, int32(4), calls.Load())
}

func TestCompressedFormsStayWithinMemory(t *testing.T) {
	s := open(t, staticfiles.SharedData{
		Memory: 64 << 10, Encoders: compress.All(),
		Exports: []staticfiles.Export{{FS: counted{8000}}},
	})
	for _, name := range []string{"/a.css", "/b.css", "/c.css", "/d.css", "/e.css", "/f.css", "/g.css", "/h.css"} {
		for range 3 {
			resp := ask(s, "GET", name, "Accept-Encoding", "br")
			require.Equal(t, http.StatusOK, resp.StatusCode)
			if resp.Header.Get("Content-Encoding") == "" {
				require.Len(t, body(t, resp), 8000)
			}
		}
	}
}
