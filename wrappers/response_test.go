package wrappers_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

func TestContentType(t *testing.T) {
	for given, want := range map[string]string{
		"text/plain":                     "text/plain; charset=utf-8",
		"text/html; charset=iso-8859-1":  "text/html; charset=iso-8859-1",
		"TEXT/CSS":                       "TEXT/CSS; charset=utf-8",
		"image/svg+xml":                  "image/svg+xml; charset=utf-8",
		"application/xml":                "application/xml; charset=utf-8",
		"application/javascript":         "application/javascript; charset=utf-8",
		"application/sql":                "application/sql; charset=utf-8",
		"application/json":               "application/json",
		"application/problem+json":       "application/problem+json",
		"image/png":                      "image/png",
		"multipart/mixed; boundary=text": "multipart/mixed; boundary=text",
	} {
		w := serve(wrappers.NewResponse(given, []byte("x")), "GET", nil)
		require.Equal(t, want, w.Header().Get("Content-Type"))
	}
}

func TestABodyWithoutATypeIsText(t *testing.T) {
	resp := new(wrappers.Response)
	io.WriteString(resp, "<html>")
	require.Equal(t, "text/plain; charset=utf-8", serve(resp, "GET", nil).Header().Get("Content-Type"))
	resp.Header()["Content-Type"] = nil
	require.NotContains(t, serve(resp, "GET", nil).Header(), "text/plain")
}

func TestJSON(t *testing.T) {
	resp, err := wrappers.JSON(map[string]int{"a": 1})
	require.NoError(t, err)
	require.Equal(t, "application/json", resp.ContentType())
	body, err := resp.Bytes()
	require.NoError(t, err)
	require.JSONEq(t, `{"a": 1}`, string(body))

	_, err = wrappers.JSON(func() {})
	require.ErrorContains(t, err, "response as JSON")
}

func TestBodiless(t *testing.T) {
	for _, status := range []int{101, 204, 304} {
		for kind, response := range kinds {
			resp := response()
			resp.Status = status
			w := serve(resp, "GET", nil)
			require.Equal(t, status, w.Code, kind)
			require.Empty(t, w.Body.String(), kind)
			require.NotContains(t, w.Header(), "Content-Length", kind)
		}
	}
	for kind, response := range kinds {
		resp := response()
		resp.Status = http.StatusResetContent
		w := serve(resp, "GET", nil)
		require.Equal(t, 205, w.Code, kind)
		require.Empty(t, w.Body.String(), kind)
		require.Equal(t, "0", w.Header().Get("Content-Length"), kind)

		w = serve(response(), "HEAD", nil)
		require.Empty(t, w.Body.String(), kind)
		require.Equal(t, "36", w.Header().Get("Content-Length"), kind)
	}
}

func TestAResponseThatCannotBeSentIsA500(t *testing.T) {
	for name, change := range map[string]func(*wrappers.Response){
		"a status of two digits":       func(resp *wrappers.Response) { resp.Status = 99 },
		"a status of four digits":      func(resp *wrappers.Response) { resp.Status = 1000 },
		"a negative status":            func(resp *wrappers.Response) { resp.Status = -1 },
		"a line break in a value":      func(resp *wrappers.Response) { resp.Header().Set("X-A", "a\r\nB: c") },
		"a NUL in a value":             func(resp *wrappers.Response) { resp.Header().Set("X-A", "a\x00") },
		"a space in a name":            func(resp *wrappers.Response) { resp.Header()["X A"] = []string{"a"} },
		"an empty name":                func(resp *wrappers.Response) { resp.Header()[""] = []string{"a"} },
		"a line break in the type":     func(resp *wrappers.Response) { *resp = *wrappers.NewResponse("a/b\nC: d", nil) },
		"a line break in a late value": func(resp *wrappers.Response) { resp.Header()["X-A"] = []string{"a", "b\n"} },
	} {
		t.Run(name, func(t *testing.T) {
			resp := wrappers.Text("secret")
			closed := 0
			change(resp)
			resp.OnClose(func() error { closed++; return nil })
			w := serve(resp, "GET", nil)
			require.Equal(t, 500, w.Code)
			require.NotContains(t, w.Body.String(), "secret")
			require.Equal(t, 1, closed)
		})
	}
}

func TestUnusualStatusesAreSent(t *testing.T) {
	for _, status := range []int{299, 418, 588, 999} {
		resp := wrappers.Text("x")
		resp.Status = status
		require.Equal(t, status, serve(resp, "GET", nil).Code)
	}
}

func TestSetRefusesWhatCannotBeSent(t *testing.T) {
	resp := wrappers.Text("")
	require.NoError(t, resp.Set("x-a", "ä\tb"))
	require.NoError(t, resp.Add("X-A", ""))
	require.Equal(t, []string{"ä\tb", ""}, resp.Header().Values("X-A"))
	require.ErrorContains(t, resp.Set("X-A", "a\nb"), "header field cannot be sent")
	require.ErrorContains(t, resp.Add("X A", "a"), "header field cannot be sent")
}

func TestFieldsOfAMiddleware(t *testing.T) {
	resp := wrappers.Text("x")
	resp.Header().Set("Vary", "Accept")
	resp.Header().Add("Set-Cookie", "a=1")
	resp.Header().Set("X-Frame-Options", "DENY")
	for range 2 { // nothing from the first serving may be left in the Response
		w := httptest.NewRecorder()
		w.Header().Set("Vary", "Origin")
		w.Header().Set("Set-Cookie", "b=2")
		w.Header().Set("X-Frame-Options", "SAMEORIGIN")
		w.Header().Set("X-Other", "kept")
		resp.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		require.Equal(t, []string{"Origin", "Accept"}, w.Header()["Vary"])
		require.Equal(t, []string{"b=2", "a=1"}, w.Header()["Set-Cookie"])
		require.Equal(t, []string{"DENY"}, w.Header()["X-Frame-Options"])
		require.Equal(t, []string{"kept"}, w.Header()["X-Other"])
	}
}

func TestOneResponseServesMany(t *testing.T) {
	resp := wrappers.Text(alphabet).MakeConditional()
	require.NoError(t, resp.Buffer())
	require.Equal(t, "36", resp.Header().Get("Content-Length"))
	etag := resp.Header().Get("ETag")
	require.NotEmpty(t, etag)
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for range 50 {
				require.Equal(t, alphabet, serve(resp, "GET", nil).Body.String())
				require.Equal(t, 304, serve(resp, "GET", map[string]string{"If-None-Match": etag}).Code)
				require.Equal(t, "z", serve(resp, "GET", map[string]string{"Range": "bytes=-1"}).Body.String())
			}
		})
	}
	done.Wait()
}

func TestBodiesAreReadAndChanged(t *testing.T) {
	for kind, response := range kinds {
		t.Run(kind, func(t *testing.T) {
			resp := response()
			require.EqualValues(t, 36, resp.Size())
			require.Equal(t, kind != "text" && kind != "bytes", resp.Streamed())
			body, err := resp.Bytes()
			require.NoError(t, err)
			require.Equal(t, alphabet, string(body))
			require.False(t, resp.Streamed())
			require.Equal(t, alphabet, serve(resp, "GET", nil).Body.String())

			resp = response()
			n, err := io.WriteString(resp, "+")
			require.NoError(t, err)
			require.Equal(t, 1, n)
			require.Equal(t, alphabet+"+", serve(resp, "GET", nil).Body.String())

			var buf bytes.Buffer
			written, err := response().WriteTo(&buf)
			require.NoError(t, err)
			require.EqualValues(t, 36, written)
			require.Equal(t, alphabet, buf.String())

			resp = response()
			resp.SetBody([]byte("new"))
			require.Equal(t, "new", serve(resp, "GET", nil).Body.String())
			resp.SetBody([]byte("newer"))
			require.Equal(t, "newer", serve(resp, "GET", nil).Body.String())
		})
	}
}

func TestAZipIsWrittenIntoAResponse(t *testing.T) {
	resp := wrappers.NewResponse("application/zip", nil)
	z := zip.NewWriter(resp)
	f, err := z.Create("a.txt")
	require.NoError(t, err)
	io.WriteString(f, "hello")
	require.NoError(t, z.Close())
	body := serve(resp, "GET", nil).Body.Bytes()
	_, err = zip.NewReader(bytes.NewReader(body), int64(len(body)))
	require.NoError(t, err)
}

func TestReaderFindsItsSize(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte("--"+alphabet), 0o600))
	file, err := os.Open(name)
	require.NoError(t, err)
	_, err = file.Seek(2, io.SeekStart)
	require.NoError(t, err)
	pipe, _, err := os.Pipe()
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		r    io.Reader
		size int64
	}{
		{"a file from where it stands", file, 36},
		{"a buffer", bytes.NewBufferString(alphabet), 36},
		{"a section", section("--" + alphabet + "--"), 36},
		{"a seeker", struct{ io.ReadSeeker }{strings.NewReader(alphabet)}, 36},
		{"a pipe", pipe, -1},
		{"a reader", io.MultiReader(strings.NewReader(alphabet)), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := wrappers.Reader("text/plain", c.r)
			require.Equal(t, c.size, resp.Size())
			if c.size >= 0 {
				w := serve(resp, "GET", nil)
				require.Equal(t, "36", w.Header().Get("Content-Length"))
				require.Equal(t, alphabet, w.Body.String())
			} else {
				require.NoError(t, resp.Close())
			}
		})
	}
	require.ErrorIs(t, file.Close(), os.ErrClosed)
	require.ErrorIs(t, pipe.Close(), os.ErrClosed)
}

func TestMoreThanTheSizeIsNotSent(t *testing.T) {
	w := serve(sizedReader("text/plain", strings.NewReader(alphabet), 5), "GET", nil)
	require.Equal(t, alphabet[:5], w.Body.String())
}

func TestABodyThatFailsBeforeItsFirstByte(t *testing.T) {
	for name, resp := range map[string]*wrappers.Response{
		"reader": wrappers.Reader("text/plain", iotest.ErrReader(httperror.NotFound)),
		"stream": wrappers.Stream("text/plain", func(*wrappers.StreamWriter) error { return httperror.NotFound }),
	} {
		t.Run(name, func(t *testing.T) {
			w := serve(resp, "GET", nil)
			require.Equal(t, 404, w.Code)
			require.Contains(t, w.Header().Get("Content-Type"), "html")
		})
	}
}

func TestABodyThatFailsLaterBreaksOff(t *testing.T) {
	failing := func() io.Reader {
		return io.MultiReader(strings.NewReader("some"), iotest.ErrReader(errors.New("disk gone")))
	}
	for name, resp := range map[string]*wrappers.Response{
		"reader":               wrappers.Reader("text/plain", failing()),
		"too short a reader":   sizedReader("text/plain", strings.NewReader("some"), 9),
		"too short for ranges": sizedReader("text/plain", io.MultiReader(strings.NewReader("some")), 9).MakeConditional(),
		"stream": wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
			_, err := w.ReadFrom(failing())
			return err
		}),
	} {
		t.Run(name, func(t *testing.T) {
			closed := false
			resp.OnClose(func() error { closed = true; return nil })
			require.PanicsWithValue(t, http.ErrAbortHandler, func() {
				serve(resp, "GET", map[string]string{"Range": "bytes=1-6"})
			})
			require.True(t, closed)
		})
	}
}

func TestOnClose(t *testing.T) {
	var order []string
	note := func(s string, err error) func() error {
		return func() error { order = append(order, s); return err }
	}
	resp := wrappers.Text("x")
	resp.OnClose(note("first", nil))
	resp.OnClose(note("second", errors.New("stuck")))
	serve(resp, "HEAD", nil)
	require.Equal(t, []string{"second", "first"}, order)
	require.NoError(t, resp.Close(), "each runs once")

	order = nil
	resp.OnClose(note("first", nil))
	resp.OnClose(func() error { panic("in a callback") })
	require.PanicsWithValue(t, "in a callback", func() { resp.Close() })
	require.Equal(t, []string{"first"}, order)

	order = nil
	resp = wrappers.Stream("text/plain", func(*wrappers.StreamWriter) error { panic("in a stream") })
	resp.OnClose(note("first", nil))
	require.PanicsWithValue(t, "in a stream", func() { serve(resp, "GET", nil) })
	require.Equal(t, []string{"first"}, order)

	order = nil
	resp = wrappers.Text(alphabet).MakeConditional()
	resp.Header().Set("ETag", `"a"`)
	resp.OnClose(note("first", nil))
	require.Equal(t, 304, serve(resp, "GET", map[string]string{"If-None-Match": `"a"`}).Code)
	require.Equal(t, []string{"first"}, order)
}

func TestHandler(t *testing.T) {
	resp := wrappers.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, r.URL.Path)
	}))
	require.NoError(t, resp.Set("X-Before", "1"))
	w := serve(resp, "GET", nil)
	require.Equal(t, 418, w.Code)
	require.Equal(t, "1", w.Header().Get("X-Before"))
	require.Equal(t, "/", w.Body.String())
	_, err := resp.Bytes()
	require.ErrorContains(t, err, "Capture")
}

func TestETag(t *testing.T) {
	resp := wrappers.Text("Hello World")
	require.NoError(t, resp.AddETag())
	tag := resp.Header().Get("ETag")
	require.Regexp(t, `^"[A-Za-z0-9_-]{22}"$`, tag)
	require.NoError(t, resp.AddETag())
	require.Equal(t, tag, resp.Header().Get("ETag"))
	resp.Header().Set("ETag", `"mine"`)
	require.NoError(t, resp.AddETag())
	require.Equal(t, `"mine"`, resp.Header().Get("ETag"), "what is there stays")
	resp.SetBody([]byte("other"))
	require.Equal(t, `"mine"`, resp.Header().Get("ETag"))

	failing := wrappers.Reader("text/plain", iotest.ErrReader(errors.New("disk gone")))
	require.ErrorContains(t, failing.Buffer(), "disk gone")
}

// An ETag that was made from a body is removed with it; otherwise clients would mistake the old
// body for the new one.
func TestAnETagGoesWithItsBody(t *testing.T) {
	for name, change := range map[string]func(*wrappers.Response){
		"SetBody": func(resp *wrappers.Response) { resp.SetBody([]byte("new")) },
		"Write":   func(resp *wrappers.Response) { _, _ = resp.Write([]byte("new")) },
	} {
		t.Run(name, func(t *testing.T) {
			resp := wrappers.Text("old").MakeConditional()
			require.NoError(t, resp.Buffer())
			old := resp.Header().Get("ETag")
			change(resp)
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("If-None-Match", old)
			w := httptest.NewRecorder()
			resp.ServeHTTP(w, r)
			require.Equal(t, 200, w.Code)
			require.Contains(t, w.Body.String(), "new")
			require.Empty(t, w.Header().Get("ETag"))
		})
	}
	resp := wrappers.Text("old")
	require.NoError(t, resp.AddETag())
	old := resp.ETag()
	_, err := resp.Bytes()
	require.NoError(t, err)
	require.Equal(t, old, resp.ETag(), "to look at it changes nothing")
	resp.SetBody([]byte("new"))
	require.NoError(t, resp.AddETag())
	require.NotEqual(t, old, resp.ETag())
}

// The spare capacity of a slice belongs to its owner, and to others who have slices of the same
// array.
func TestWhatIsAppendedToABodyStaysItsOwn(t *testing.T) {
	shared := append(make([]byte, 0, 64), "head"...)
	one, two := wrappers.NewResponse("text/plain", shared), new(wrappers.Response)
	two.SetBody(shared)
	for resp, tail := range map[*wrappers.Response]string{one: " one", two: " two"} {
		_, err := io.WriteString(resp, tail)
		require.NoError(t, err)
	}
	for resp, want := range map[*wrappers.Response]string{one: "head one", two: "head two"} {
		body, err := resp.Bytes()
		require.NoError(t, err)
		require.Equal(t, want, string(body))
		_ = append(body, " and more"...)
		_, err = io.WriteString(resp, "!")
		require.NoError(t, err)
		body, err = resp.Bytes()
		require.NoError(t, err)
		require.Equal(t, want+"!", string(body))
	}
	require.Equal(t, make([]byte, 60), shared[4:64])
}

func TestSetContentType(t *testing.T) {
	resp := wrappers.Text("a,b\n")
	require.NoError(t, resp.SetContentType("text/csv"))
	require.Equal(t, "text/csv; charset=utf-8", resp.ContentType())
	require.ErrorContains(t, resp.SetContentType("a/b\n"), "header field cannot be sent")
	require.NoError(t, resp.SetContentType(""))
	require.Empty(t, resp.ContentType())
}

func TestRemoveEntityHeaders(t *testing.T) {
	h := http.Header{"Content-Type": {"a"}, "Content-Length": {"1"}, "Expires": {"b"}, "Allow": {"GET"}, "Etag": {"c"}, "Date": {"d"}}
	keep := []string{"expires"}
	wrappers.RemoveEntityHeaders(h, keep...)
	require.Equal(t, http.Header{"Expires": {"b"}, "Etag": {"c"}, "Date": {"d"}}, h)
	require.Equal(t, []string{"expires"}, keep)
}
