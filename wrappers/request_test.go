package wrappers_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

func TestQuickMultipart(t *testing.T) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	w.WriteField("a", "1")
	f, _ := w.CreateFormFile("f", "x.txt")
	f.Write(bytes.Repeat([]byte("hello\r\n-"), 100000))
	f, _ = w.CreateFormFile("g", "y.txt")
	f.Write([]byte("small"))
	w.Close()
	r := httptest.NewRequest("DELETE", "/p?a=0", &b)
	r.Header.Set("Content-Type", w.FormDataContentType())
	req := wrappers.NewRequest(r)
	form, err := req.Form()
	require.NoError(t, err)
	require.Equal(t, "1", form.Get("a"))
	files, err := req.Files()
	require.NoError(t, err)
	data, err := files.Get("f").Bytes()
	require.NoError(t, err)
	require.Equal(t, bytes.Repeat([]byte("hello\r\n-"), 100000), data)
	require.Equal(t, []string{"1", "0"}, req.Request.Form["a"])
	pf, fh, err := req.FormFile("g")
	require.NoError(t, err)
	s, _ := io.ReadAll(pf)
	require.Equal(t, "small", string(s))
	require.Equal(t, "y.txt", fh.Filename)
	pf, _, err = req.FormFile("f")
	require.NoError(t, err)
	name := pf.(*os.File).Name()
	require.NoError(t, req.Close())
	require.NoFileExists(t, name)
}

func TestQuickJSON(t *testing.T) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{"a": 1} x`))
	r.Header.Set("Content-Type", "application/json")
	var v map[string]any
	var e *httperror.Error
	require.ErrorAs(t, wrappers.NewRequest(r).JSON(&v), &e)
	require.Contains(t, e.Description, "offset")
}

func BenchmarkNewRequest(b *testing.B) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Body = http.NoBody
	b.ReportAllocs()
	for b.Loop() {
		wrappers.NewRequest(r)
	}
}
