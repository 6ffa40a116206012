package requestcopy_test

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/requestcopy"
)

func upload(t *testing.T) *http.Request {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("f", "f.bin")
	require.NoError(t, err)
	_, err = part.Write(make([]byte, 1<<10))
	require.NoError(t, err)
	require.NoError(t, form.Close())
	r := httptest.NewRequest("POST", "/", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	return r
}

// files is the number of files in the temporary directory, which only the test uses.
func files(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	return len(entries)
}

// parse spools the file: no part of the form may stay in memory.
func parse(t *testing.T, r *http.Request) {
	t.Helper()
	require.NoError(t, r.ParseMultipartForm(0))
	require.Equal(t, 1, files(t))
}

func TestFilesOfACopyAreRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := upload(t)
	c := r.WithContext(context.WithoutCancel(r.Context()))
	require.NotPanics(t, func() { requestcopy.RemoveFiles(c, r) }, "nothing was parsed")
	parse(t, c)
	requestcopy.RemoveFiles(c, r)
	require.Zero(t, files(t))
}

func TestFilesThatTheOriginalHasStay(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	r := upload(t)
	parse(t, r)
	c := r.WithContext(context.WithoutCancel(r.Context()))
	requestcopy.RemoveFiles(c, r)
	require.Equal(t, 1, files(t))
	require.NoError(t, r.MultipartForm.RemoveAll())
}
