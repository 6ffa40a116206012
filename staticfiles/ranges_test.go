package staticfiles_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/staticfiles"
)

// digits is a content in which every offset can be recognised.
func digits(size int) []byte {
	b := make([]byte, 0, size+8)
	for i := 0; len(b) < size; i += 8 {
		b = fmt.Appendf(b, "%07d ", i)
	}
	return b[:size]
}

// everywhere are servers that serve digits as /a.bin, each from another source.
func everywhere(t testing.TB, size int) map[string]*staticfiles.Shared {
	content := digits(size)
	dir := write(t, map[string]string{"a.bin": string(content)})
	archive := func(method uint16) string {
		path := filepath.Join(t.TempDir(), "a.zip")
		f, err := os.Create(path)
		require.NoError(t, err)
		z := zip.NewWriter(f)
		w, err := z.CreateHeader(&zip.FileHeader{Name: "a.bin", Method: method, Modified: time.Unix(1e9, 0)})
		require.NoError(t, err)
		_, err = w.Write(content)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		require.NoError(t, f.Close())
		return path
	}
	shared := func(x staticfiles.Export, memory int64) *staticfiles.Shared {
		return open(t, staticfiles.SharedData{Memory: memory, Exports: []staticfiles.Export{x}})
	}
	return map[string]*staticfiles.Shared{
		"memory":       shared(staticfiles.Export{Dir: dir}, 0),
		"disk":         shared(staticfiles.Export{Dir: dir}, 1),
		"an fs.FS":     shared(staticfiles.Export{FS: fstest.MapFS{"a.bin": {Data: content}}}, 1),
		"no seeking":   shared(staticfiles.Export{FS: justReads{os.DirFS(dir)}}, 1),
		"zip, deflate": shared(staticfiles.Export{Zip: archive(zip.Deflate)}, 1),
		"zip, store":   shared(staticfiles.Export{Zip: archive(zip.Store)}, 1),
	}
}

func TestRanges(t *testing.T) {
	const size = 100_000
	content := string(digits(size))
	whole := []string{content}
	for source, s := range everywhere(t, size) {
		server := httptest.NewServer(s.Wrap(application))
		defer server.Close()
		ask := func(t *testing.T, method string, header ...string) *http.Response {
			r, err := http.NewRequest(method, server.URL+"/a.bin", nil)
			require.NoError(t, err)
			for i := 0; i < len(header); i += 2 {
				r.Header.Add(header[i], header[i+1])
			}
			resp, err := server.Client().Do(r)
			require.NoError(t, err)
			t.Cleanup(func() { resp.Body.Close() })
			return resp
		}
		first := ask(t, "GET")
		tag, date := first.Header.Get("ETag"), first.Header.Get("Last-Modified")
		for _, c := range []struct {
			ranges string
			status int
			parts  []string
		}{
			{"bytes=0-0", 206, []string{content[:1]}},
			{"bytes=0-4", 206, []string{content[:5]}},
			{"bytes=2-", 206, []string{content[2:]}},
			{"bytes=-5", 206, []string{content[size-5:]}},
			{"bytes=99999-", 206, []string{content[size-1:]}},
			{"bytes=99990-200000", 206, []string{content[99990:]}},
			{"bytes=0-99999", 206, whole},
			{"bytes=0-", 206, whole},
			{"bytes=-200000", 206, whole},
			{"bytes=20000-89999", 206, []string{content[20000:90000]}},
			{"BYTES=1-2", 206, []string{content[1:3]}},
			{"bytes= 1-2", 206, []string{content[1:3]}},
			{"bytes=0-0,-2", 206, []string{content[:1], content[size-2:]}},
			{"bytes=0-9, 20-29 ,50000-79999", 206, []string{content[:10], content[20:30], content[50000:80000]}},
			{"bytes=5-9,200000-", 206, []string{content[5:10]}},
			{"bytes=100000-", 416, nil},
			{"bytes=200000-300000", 416, nil},
			{"bytes=-0", 416, nil},
			{"bytes=5-4", 200, whole},
			{"bytes=", 200, whole},
			{"bytes=-", 200, whole},
			{"bytes=a-b", 200, whole},
			{"bytes=1-2x", 200, whole},
			{"bytes 1-2", 200, whole},
			{"lines=1-2", 200, whole},
			{"nonsense", 200, whole},
			{"bytes=0-99998,1-99999", 200, whole}, // larger than the file
		} {
			t.Run(source+" for "+c.ranges, func(t *testing.T) {
				for range 2 {
					resp := ask(t, "GET", "Range", c.ranges)
					require.Equal(t, c.status, resp.StatusCode)
					if c.status == 416 {
						require.Equal(t, "bytes */100000", resp.Header.Get("Content-Range"))
						require.Empty(t, resp.Header.Get("ETag"))
						return
					}
					require.Equal(t, tag, resp.Header.Get("ETag"))
					require.Equal(t, c.parts, partsOf(t, resp, content))
				}
				require.Equal(t, 200, ask(t, "HEAD", "Range", c.ranges).StatusCode)
				require.Equal(t, 304, ask(t, "GET", "Range", c.ranges, "If-None-Match", tag).StatusCode)
				require.Equal(t, 412, ask(t, "GET", "Range", c.ranges, "If-Match", `"x"`).StatusCode)
				if c.status == 206 {
					for _, same := range []string{tag, date} {
						if same != "" {
							require.Equal(t, 206, ask(t, "GET", "Range", c.ranges, "If-Range", same).StatusCode)
						}
					}
				}
				for _, other := range []string{`"x"`, "W/" + tag, "Sun, 09 Sep 2001 01:46:41 GMT", "nonsense", ""} {
					resp := ask(t, "GET", "Range", c.ranges, "If-Range", other)
					require.Equal(t, 200, resp.StatusCode, other)
				}
				require.Equal(t, 200, ask(t, "GET", "Range", c.ranges, "If-Range", tag, "If-Range", tag).StatusCode)
				for _, none := range []string{`""`, ""} {
					require.Equal(t, 412, ask(t, "GET", "Range", c.ranges, "If-Match", none).StatusCode)
				}
			})
		}
	}
}

// partsOf returns the ranges of a 200 or 206, checked against their positions.
func partsOf(t testing.TB, resp *http.Response, content string) (parts []string) {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, resp.ContentLength, int64(len(b)))
	mediaType, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	require.NoError(t, err)
	if resp.StatusCode == 206 && mediaType == "multipart/byteranges" {
		r := multipart.NewReader(bytes.NewReader(b), params["boundary"])
		for {
			part, err := r.NextPart()
			if err == io.EOF {
				return parts
			}
			require.NoError(t, err)
			b, err := io.ReadAll(part)
			require.NoError(t, err)
			placed(t, part.Header.Get("Content-Range"), string(b), content)
			parts = append(parts, string(b))
		}
	}
	if resp.StatusCode == 206 {
		placed(t, resp.Header.Get("Content-Range"), string(b), content)
	}
	return []string{string(b)}
}

func placed(t testing.TB, contentRange, part, content string) {
	t.Helper()
	span, total, ok := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "/")
	require.True(t, ok, contentRange)
	require.Equal(t, strconv.Itoa(len(content)), total)
	first, last, ok := strings.Cut(span, "-")
	require.True(t, ok, contentRange)
	start, err := strconv.Atoi(first)
	require.NoError(t, err)
	end, err := strconv.Atoi(last)
	require.NoError(t, err)
	require.Equal(t, content[start:end+1], part)
}

// If net/http's own file server accepts a range, it is the same range here.
func FuzzRange(f *testing.F) {
	for _, ranges := range []string{"bytes=0-4", "bytes=-5", "bytes=5-", "bytes=0-0,5-9", "bytes=9-1", "lines=0-1", "bytes=99999999999999999999-", "bytes=0-99999999999999999999", "bytes=\t1-2", "bytes=-0", "bytes=0-+9", "bytes=+0-9"} {
		f.Add(ranges, "")
		f.Add(ranges, `"x"`)
	}
	content := digits(1000)
	dir := write(f, map[string]string{"a.bin": string(content)})
	s := open(f, staticfiles.SharedData{Exports: []staticfiles.Export{{Dir: dir}}})
	theirs := http.FileServer(http.Dir(dir))
	f.Fuzz(func(t *testing.T, ranges, ifRange string) {
		header := []string{"Range", ranges}
		if ifRange != "" {
			header = append(header, "If-Range", ifRange)
		}
		resp := ask(s, "GET", "/a.bin", header...)
		switch resp.StatusCode {
		case 200, 206:
			partsOf(t, resp, string(content))
		case 416:
		default:
			t.Fatal(resp.StatusCode)
		}
		if ifRange != "" || !strings.HasPrefix(ranges, "bytes=") {
			return
		}
		if strings.Contains(ranges, "+") {
			require.Equal(t, 200, resp.StatusCode, "net/http takes a number with a sign, RFC 9110 knows only digits")
			return
		}
		r := httptest.NewRequest("GET", "/a.bin", nil)
		r.Header.Set("Range", ranges)
		w := httptest.NewRecorder()
		theirs.ServeHTTP(w, r)
		// If a response has no bytes, net/http sends an invalid Content-Range; here it is a 416.
		if w.Code == 206 && w.Body.Len() > 0 && !strings.Contains(ranges, ",") {
			require.Equal(t, 206, resp.StatusCode)
			require.Equal(t, w.Header().Get("Content-Range"), resp.Header.Get("Content-Range"))
		}
	})
}
