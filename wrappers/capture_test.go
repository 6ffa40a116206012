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
		require.Zero(t, head.Size())
		require.Equal(t, "36", head.Header().Get("Content-Length"))
	}
}

func TestCaptureSeesBodilessStatuses(t *testing.T) {
	wrappers.Capture(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		_, err := io.WriteString(w, "x")
		require.ErrorIs(t, err, http.ErrBodyNotAllowed)
	}), httptest.NewRequest("GET", "/", nil))
}
