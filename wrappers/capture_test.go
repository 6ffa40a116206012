package wrappers_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/wrappers"
)

func TestCapture(t *testing.T) {
	resp := wrappers.Capture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-A", "1")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-A", "too late")
		io.WriteString(w, "<!doctype html>")
		io.Copy(w, strings.NewReader("<p>"))
		w.Write([]byte(r.URL.Path))
		require.NoError(t, http.NewResponseController(w).Flush())
		require.ErrorIs(t, http.NewResponseController(w).EnableFullDuplex(), http.ErrNotSupported)
		_, _, err := http.NewResponseController(w).Hijack()
		require.ErrorIs(t, err, http.ErrNotSupported)
	}), httptest.NewRequest("GET", "/path", nil))
	require.Equal(t, 202, resp.Status)
	require.Equal(t, "1", resp.Header().Get("X-A"))
	require.Equal(t, "text/html; charset=utf-8", resp.ContentType())
	body, err := resp.Bytes()
	require.NoError(t, err)
	require.Equal(t, "<!doctype html><p>/path", string(body))
}

func TestCaptureOfNothing(t *testing.T) {
	resp := wrappers.Capture(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), httptest.NewRequest("GET", "/", nil))
	require.Equal(t, 200, resp.Status)
	require.Empty(t, resp.Header())
}

func TestCaptureOfAResponse(t *testing.T) {
	for kind, response := range kinds {
		resp := wrappers.Capture(response(), httptest.NewRequest("GET", "/", nil))
		body, err := resp.Bytes()
		require.NoError(t, err)
		require.Equal(t, alphabet, string(body), kind)
		require.Equal(t, "text/plain; charset=utf-8", resp.ContentType())
		head := wrappers.Capture(response(), httptest.NewRequest("HEAD", "/", nil))
		require.EqualValues(t, -1, head.Size())
		require.Equal(t, "36", head.Header().Get("Content-Length"))
	}
}

// The response to HEAD stays unchanged, even if it was captured on the way. It has the length and
// the ETag of GET, not those of an empty body.
func TestCaptureOfHEAD(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.Handler
		change  func(*testing.T, *wrappers.Response)
		length  int64
		tag     string
	}{
		"with its length": {wrappers.Text("0123456789"), nil, 10, ""},
		"with its ETag": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", `"x"`)
			w.Header().Set("Content-Length", "5")
		}), nil, 5, `"x"`},
		"of unknown length": {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }), nil, -1, ""},
		"looked at": {wrappers.Text("0123456789"), func(t *testing.T, resp *wrappers.Response) {
			body, err := resp.Bytes()
			require.NoError(t, err)
			require.Empty(t, body)
		}, 10, ""},
		"frozen": {wrappers.Text("0123456789"), func(t *testing.T, resp *wrappers.Response) { require.NoError(t, resp.Buffer()) }, 10, ""},
		"longer since": {wrappers.Text("0123456789"), func(t *testing.T, resp *wrappers.Response) {
			n, err := io.WriteString(resp, "<!-- footer -->")
			require.NoError(t, err)
			require.Equal(t, 15, n)
			_, err = resp.Write([]byte("x"))
			require.NoError(t, err)
		}, -1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				resp := wrappers.Capture(c.handler, r)
				if c.change != nil {
					c.change(t, resp)
				}
				resp.MakeConditional().ServeHTTP(w, r)
			}))
			defer server.Close()
			resp, err := http.Head(server.URL)
			require.NoError(t, err)
			require.Equal(t, 200, resp.StatusCode)
			require.Equal(t, c.length, resp.ContentLength)
			require.Equal(t, c.tag, resp.Header.Get("Etag"))
		})
	}
}

func TestCaptureSeesBodilessStatuses(t *testing.T) {
	wrappers.Capture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		_, err := io.WriteString(w, "x")
		require.ErrorIs(t, err, http.ErrBodyNotAllowed)
	}), httptest.NewRequest("GET", "/", nil))
}
