package staticfiles_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

// always checks a file again for each request.
const always = time.Nanosecond

func TestAChangeIsSeen(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "one", "b.txt": "b"})
	s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{{Dir: dir}}})
	path := filepath.Join(dir, "a.txt")
	require.Equal(t, "one", body(t, ask(s, "GET", "/a.txt")))

	put(t, path, "replaced")
	tag := ask(s, "GET", "/a.txt").Header.Get("ETag")
	require.Equal(t, "replaced", body(t, ask(s, "GET", "/a.txt")))

	// Another file with the same size and date is still another file.
	require.NoError(t, os.WriteFile(path+".new", []byte("REPLACED"), 0o644))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Chtimes(path+".new", info.ModTime(), info.ModTime()))
	require.NoError(t, os.Rename(path+".new", path))
	resp := ask(s, "GET", "/a.txt", "If-None-Match", tag)
	require.Equal(t, 200, resp.StatusCode)
	require.Equal(t, "REPLACED", body(t, resp))

	require.NoError(t, os.Remove(path))
	require.Equal(t, http.StatusTeapot, ask(s, "GET", "/a.txt").StatusCode)
	require.NoError(t, os.Mkdir(path, 0o755))
	require.Equal(t, http.StatusTeapot, ask(s, "GET", "/a.txt").StatusCode)
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink("/etc/passwd", path))
	require.Equal(t, http.StatusTeapot, ask(s, "GET", "/a.txt").StatusCode)
	require.NoError(t, os.Remove(path))
	put(t, path, "back")
	require.Equal(t, "back", body(t, ask(s, "GET", "/a.txt")))
	require.Equal(t, "b", body(t, ask(s, "GET", "/b.txt")))
}

func TestAnEarlierExportTakesOver(t *testing.T) {
	first, second := t.TempDir(), write(t, map[string]string{"a.txt": "second"})
	s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{{Dir: first}, {Dir: second}}})
	require.Equal(t, "second", body(t, ask(s, "GET", "/a.txt")))
	put(t, filepath.Join(first, "a.txt"), "first")
	require.Equal(t, "first", body(t, ask(s, "GET", "/a.txt")))
	require.NoError(t, os.Remove(filepath.Join(first, "a.txt")))
	require.Equal(t, "second", body(t, ask(s, "GET", "/a.txt")))
}

func TestAFileIsNotLookedAtBeforeItsTime(t *testing.T) {
	dir := write(t, map[string]string{"a.txt": "one"})
	s := open(t, staticfiles.SharedData{Revalidate: time.Hour, Exports: []staticfiles.Export{{Dir: dir}}})
	require.Equal(t, "one", body(t, ask(s, "GET", "/a.txt")))
	put(t, filepath.Join(dir, "a.txt"), "two")
	require.Equal(t, "one", body(t, ask(s, "GET", "/a.txt")))
}

func TestDevelopmentKeepsNothing(t *testing.T) {
	files := fstest.MapFS{"a.txt": {Data: []byte("one")}}
	dir := write(t, map[string]string{"a.txt": "one"})
	s := open(t, staticfiles.SharedData{Development: true, Revalidate: time.Hour, Exports: []staticfiles.Export{
		{Prefix: "/dir", Dir: dir, CacheControl: "max-age=3600"}, {Prefix: "/fs", FS: files},
	}})
	for _, prefix := range []string{"/dir", "/fs"} {
		resp := ask(s, "GET", prefix+"/a.txt")
		require.Equal(t, "no-cache", resp.Header.Get("Cache-Control"))
		require.Equal(t, "one", body(t, resp))
	}
	put(t, filepath.Join(dir, "a.txt"), "two")
	files["a.txt"] = &fstest.MapFile{Data: []byte("two")}
	for _, prefix := range []string{"/dir", "/fs"} {
		require.Equal(t, "two", body(t, ask(s, "GET", prefix+"/a.txt")))
	}
	require.Equal(t, "/dir/a.txt", s.URL("a.txt"))
}

func TestADirectoryIsReplaced(t *testing.T) {
	parent := write(t, map[string]string{"one/a.txt": "one", "two/a.txt": "two"})
	link := filepath.Join(parent, "current")
	require.NoError(t, os.Symlink("one", link))
	s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{{Dir: link}}})
	require.Equal(t, "one", body(t, ask(s, "GET", "/a.txt")))
	require.NoError(t, os.Symlink("two", link+".new"))
	require.NoError(t, os.Rename(link+".new", link))
	require.Equal(t, "two", body(t, ask(s, "GET", "/a.txt")))
	require.NoError(t, os.RemoveAll(filepath.Join(parent, "two")))
	require.Equal(t, http.StatusTeapot, ask(s, "GET", "/a.txt").StatusCode)
}

func TestAZipFileIsReplaced(t *testing.T) {
	dir := t.TempDir()
	zipped := func(content string) {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		f, err := z.Create("a.txt")
		require.NoError(t, err)
		io.WriteString(f, content)
		require.NoError(t, z.Close())
		require.NoError(t, os.WriteFile(filepath.Join(dir, "new"), b.Bytes(), 0o644))
		require.NoError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a.zip")))
	}
	zipped("one")
	s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{{Zip: filepath.Join(dir, "a.zip")}}})
	require.Equal(t, "one", body(t, ask(s, "GET", "/a.txt")))
	tag := ask(s, "GET", "/a.txt").Header.Get("ETag")
	require.Equal(t, 304, ask(s, "GET", "/a.txt", "If-None-Match", tag).StatusCode)
	zipped("two, longer")
	require.Equal(t, "two, longer", body(t, ask(s, "GET", "/a.txt", "If-None-Match", tag)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "new"), []byte("no zip"), 0o644))
	require.NoError(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a.zip")))
	require.Equal(t, "two, longer", body(t, ask(s, "GET", "/a.txt")), "a broken one does not take its place")
}

func TestABrokenZipFileIsNotSent(t *testing.T) {
	for _, size := range []int{1000, 1 << 20} {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		f, err := z.CreateHeader(&zip.FileHeader{Name: "a.txt", Method: zip.Store})
		require.NoError(t, err)
		f.Write(bytes.Repeat([]byte("a"), size))
		require.NoError(t, z.Close())
		broken := b.Bytes()
		broken[bytes.IndexByte(broken, 'a')+500]++
		path := filepath.Join(t.TempDir(), "a.zip")
		require.NoError(t, os.WriteFile(path, broken, 0o644))
		s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{{Zip: path}}})
		server := httptest.NewServer(s.Wrap(application))
		defer server.Close()
		resp, err := http.Get(server.URL + "/a.txt")
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		if resp.StatusCode != 500 {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}
	}
}

// large is a content that is too large for any cache or socket buffer.
func large(mark byte) []byte { return bytes.Repeat([]byte{mark}, 24<<20) }

// halfway requests a path from a server and reads the first bytes of the body;
// change is called while the server sends the rest.
func halfway(t *testing.T, s *staticfiles.Shared, path string, change func()) (length int64, content []byte, err error) {
	t.Helper()
	server := httptest.NewUnstartedServer(s.Wrap(application))
	server.Config.ErrorLog = nil
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
	first := make([]byte, 1000)
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	change()
	rest, err := io.ReadAll(resp.Body)
	return resp.ContentLength, append(first, rest...), err
}

func TestAFileChangesWhileItIsSent(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 24 MB many times")
	}
	for _, source := range []string{"a directory", "an fs.FS"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.bin")
		x := staticfiles.Export{Dir: dir}
		if source == "an fs.FS" {
			x = staticfiles.Export{FS: justReads{os.DirFS(dir)}}
		}
		s := open(t, staticfiles.SharedData{Exports: []staticfiles.Export{x}})
		check := func(name string, change func(), whole bool) {
			t.Run(source+" whose file is "+name, func(t *testing.T) {
				put(t, path, string(large('a')))
				length, content, err := halfway(t, s, "/a.bin", change)
				require.Equal(t, int64(24<<20), length)
				if whole {
					require.NoError(t, err)
					require.Equal(t, large('a'), content)
				} else {
					require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client must be told")
					require.Less(t, len(content), 24<<20)
				}
				os.Remove(path)
			})
		}
		check("left alone", func() {}, true)
		check("replaced", func() {
			put(t, path+".new", string(large('b')))
			require.NoError(t, os.Rename(path+".new", path))
		}, true)
		check("removed", func() { require.NoError(t, os.Remove(path)) }, true)
		check("overwritten", func() {
			require.NoError(t, os.WriteFile(path, large('b'), 0o644))
		}, false)
		check("shortened", func() { require.NoError(t, os.Truncate(path, 1000)) }, false)
		check("emptied", func() { require.NoError(t, os.Truncate(path, 0)) }, false)
		check("written to at its end", func() {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			require.NoError(t, err)
			f.WriteString("more")
			require.NoError(t, f.Close())
		}, false)
	}
}

// justReads hides the abilities of system files other than reading.
type justReads struct{ fs.FS }

func (j justReads) Open(name string) (fs.File, error) {
	f, err := j.FS.Open(name)
	return struct{ fs.File }{f}, err
}

// A file that is rewritten all the time is sent with either one content or
// another, never a mix.
func TestNoMixture(t *testing.T) {
	for _, how := range []string{"by rename", "in place"} {
		for _, size := range []int{3000, 400 << 10} {
			t.Run(fmt.Sprintf("%s, %d bytes", how, size), func(t *testing.T) {
				dir := t.TempDir()
				path := filepath.Join(dir, "a.txt")
				contents := [][]byte{bytes.Repeat([]byte("a"), size), bytes.Repeat([]byte("b"), size-100), bytes.Repeat([]byte("c"), size+100)}
				require.NoError(t, os.WriteFile(path, contents[0], 0o644))
				s := open(t, staticfiles.SharedData{Revalidate: always, Exports: []staticfiles.Export{{Dir: dir}}})
				server := httptest.NewServer(s.Wrap(application))
				defer server.Close()
				stop := make(chan struct{})
				var writer sync.WaitGroup
				writer.Go(func() {
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						case <-time.After(time.Millisecond):
						}
						to := path
						if how == "by rename" {
							to += ".new"
						}
						os.WriteFile(to, contents[i%3], 0o644)
						if how == "by rename" {
							os.Rename(to, path)
						}
					}
				})
				whole, asked := 0, 60
				if os.Getenv("CI") != "" {
					asked = 300
				}
				for range asked {
					resp, err := http.Get(server.URL + "/a.txt")
					if err != nil {
						continue // aborted before the header was sent
					}
					content, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					if resp.StatusCode == http.StatusServiceUnavailable {
						continue
					}
					require.Equal(t, 200, resp.StatusCode)
					if err != nil {
						require.True(t, errors.Is(err, io.ErrUnexpectedEOF), err)
						continue
					}
					whole++
					require.Equal(t, resp.ContentLength, int64(len(content)))
					if len(content) > 0 {
						require.Equal(t, len(content), bytes.Count(content, content[:1]), "a mixture")
					}
				}
				close(stop)
				writer.Wait()
				require.Positive(t, whole)
			})
		}
	}
}

// counted is a file system of many files whose content is their name.
type counted struct{ size int }

func (c counted) Open(name string) (fs.File, error) {
	if name == "." {
		return fstest.MapFS{}.Open(".")
	}
	content := name + strings.Repeat(".", c.size)
	return fstest.MapFS{name: {Data: []byte(content[:c.size]), ModTime: time.Unix(1e9, 0)}}.Open(name)
}

func TestMemoryIsBounded(t *testing.T) {
	const memory = 4 << 20
	s := open(t, staticfiles.SharedData{Memory: memory, Exports: []staticfiles.Export{{FS: counted{1000}}}})
	files := 8_000
	if os.Getenv("CI") != "" {
		files = 100_000
	}
	before := heap()
	for i := range files {
		name := fmt.Sprintf("file%d.css", i)
		resp := ask(s, "GET", "/"+name)
		require.Equal(t, 200, resp.StatusCode)
		require.True(t, strings.HasPrefix(body(t, resp), name))
	}
	grown := heap() - before
	require.Less(t, grown, int64(memory*3/2), "bytes")
	require.Greater(t, grown, int64(memory/3), "bytes")
	require.Equal(t, 200, ask(s, "GET", "/file0.css").StatusCode)
}

// heap is the memory in use, in bytes.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
