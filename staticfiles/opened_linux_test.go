package staticfiles_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

// openedBelow returns how many descriptors of this process are files below dir.
func openedBelow(t *testing.T, dir string) (n int) {
	t.Helper()
	descriptors, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, d := range descriptors {
		target, _ := os.Readlink("/proc/self/fd/" + d.Name())
		if below, err := filepath.Match(dir+"/*", target); err == nil && below {
			n++
		}
	}
	return n
}

// onDisk makes a file for settings that keep none in memory.
func onDisk(t *testing.T, content string) (dir, path string) {
	t.Helper()
	dir = write(t, map[string]string{"a.bin": content})
	return dir, filepath.Join(dir, "a.bin")
}

func TestAFileOfManyShortPartsStaysOpen(t *testing.T) {
	dir, path := onDisk(t, "0123456789")
	synctest.Test(t, func(t *testing.T) {
		s, err := staticfiles.SharedData{MaxFile: 1, Exports: []staticfiles.Export{{Dir: dir}}}.Open()
		require.NoError(t, err)
		defer s.Close()
		part := func(from int) string {
			return body(t, ask(s, "GET", "/a.bin", "Range", fmt.Sprintf("bytes=%d-%d", from, from+2)))
		}
		require.Equal(t, "012", part(0))
		require.Zero(t, openedBelow(t, dir), "one part may be all that a client wants")
		require.Equal(t, "123", part(1))
		require.Equal(t, 1, openedBelow(t, dir))
		for from := range 8 {
			require.Equal(t, "0123456789"[from:from+3], part(from))
			time.Sleep(time.Second)
			require.Equal(t, 1, openedBelow(t, dir))
		}
		require.Equal(t, "0123456789", body(t, ask(s, "GET", "/a.bin")))
		require.NoError(t, os.Remove(path))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Zero(t, openedBelow(t, dir), "a deleted file needs no room for long")
		require.Equal(t, http.StatusTeapot, ask(s, "GET", "/a.bin", "Range", "bytes=0-2").StatusCode)
	})
}

func TestFilesThatStayOpenAreClosedAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	s, err := staticfiles.SharedData{MaxFile: 1, Exports: []staticfiles.Export{{Dir: dir}}}.Open()
	require.NoError(t, err)
	const files = 100
	for n := range files {
		put(t, filepath.Join(dir, fmt.Sprint(n)), "0123456789")
	}
	for range 3 {
		for n := range files {
			require.Equal(t, "12", body(t, ask(s, "GET", fmt.Sprint("/", n), "Range", "bytes=1-2")))
		}
	}
	require.Equal(t, 64, openedBelow(t, dir), "the others are opened for each request")
	require.NoError(t, s.Close())
	require.Zero(t, openedBelow(t, dir))
}

func TestPartsOfAFileThatChanges(t *testing.T) {
	for _, revalidate := range []time.Duration{always, time.Hour} {
		dir, path := onDisk(t, "0123456789")
		s := open(t, staticfiles.SharedData{MaxFile: 1, Revalidate: revalidate, Exports: []staticfiles.Export{{Dir: dir}}})
		part := func(header ...string) (int, string) {
			resp := ask(s, "GET", "/a.bin", append([]string{"Range", "bytes=1-2"}, header...)...)
			return resp.StatusCode, body(t, resp)
		}
		for range 3 {
			status, text := part()
			require.Equal(t, http.StatusPartialContent, status)
			require.Equal(t, "12", text)
		}
		require.Equal(t, 1, openedBelow(t, dir))
		tag := ask(s, "GET", "/a.bin").Header.Get("ETag")

		// In place: the open file tells.
		require.NoError(t, os.WriteFile(path, []byte("abcdefghij"), 0o644))
		status, text := part()
		require.Equal(t, http.StatusPartialContent, status)
		require.Equal(t, "bc", text)
		status, text = part("If-Range", tag)
		require.Equal(t, http.StatusOK, status, "the client has a part of the old content")
		require.Equal(t, "abcdefghij", text)
		require.NoError(t, os.Truncate(path, 1))
		status, _ = part()
		require.Equal(t, http.StatusRequestedRangeNotSatisfiable, status)
	}

	// By another file: the name is looked up after Revalidate, like that of a file in memory.
	dir, path := onDisk(t, "0123456789")
	s := open(t, staticfiles.SharedData{MaxFile: 1, Revalidate: always, Exports: []staticfiles.Export{{Dir: dir}}})
	for range 3 {
		require.Equal(t, "12", body(t, ask(s, "GET", "/a.bin", "Range", "bytes=1-2")))
	}
	require.Equal(t, 1, openedBelow(t, dir))
	put(t, path+".new", "ABCDEFGHIJ")
	require.NoError(t, os.Rename(path+".new", path))
	require.Equal(t, "BC", body(t, ask(s, "GET", "/a.bin", "Range", "bytes=1-2")))
}

// While a file is rewritten in place, each part belongs to the content that its tag names.
func TestNoMixtureOfParts(t *testing.T) {
	const size = 20 << 10
	dir, path := onDisk(t, string(bytes.Repeat([]byte("a"), size)))
	s := open(t, staticfiles.SharedData{MaxFile: 1, Revalidate: always, Exports: []staticfiles.Export{{Dir: dir}}})
	server := httptest.NewServer(s.Wrap(application))
	defer server.Close()
	var stop atomic.Bool
	var writer, readers sync.WaitGroup
	failed := make(chan error, 4)
	writer.Go(func() {
		for n := 0; !stop.Load(); n++ {
			_ = os.WriteFile(path, bytes.Repeat([]byte{'a' + byte(n%26)}, size+n%26), 0o644) // the clock of the file system is coarse
			time.Sleep(time.Duration(n%5) * time.Millisecond)
		}
	})
	var tags sync.Map
	var whole atomic.Int64
	for reader := range 4 {
		readers.Go(func() {
			for range 200 {
				r, _ := http.NewRequest("GET", server.URL+"/a.bin", nil)
				r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", reader*1000, reader*1000+9999))
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					failed <- err
					return
				}
				content, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusPartialContent {
					continue // it changed all the time, or was empty
				}
				first, known := tags.LoadOrStore(resp.Header.Get("ETag"), content[0])
				if err != nil || len(content) != 10000 || bytes.Count(content, content[:1]) != 10000 || known && first != content[0] {
					failed <- fmt.Errorf("a mixture: %d bytes, %w", len(content), err)
					return
				}
				whole.Add(1)
			}
		})
	}
	readers.Wait()
	stop.Store(true)
	writer.Wait()
	close(failed)
	for err := range failed {
		require.NoError(t, err)
	}
	require.Positive(t, whole.Load())
}
