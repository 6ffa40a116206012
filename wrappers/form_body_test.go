package wrappers_test

import (
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/wrappers"
)

// read is a form as a handler of net/http finds it: the fields, and each file as "name=content".
type read struct {
	values url.Values
	files  map[string][]string
}

func readPlain(t *testing.T, r *http.Request) read {
	require.NoError(t, r.ParseMultipartForm(1<<20))
	t.Cleanup(func() { _ = r.MultipartForm.RemoveAll() })
	form := read{r.MultipartForm.Value, map[string][]string{}}
	for field, headers := range r.MultipartForm.File {
		for _, h := range headers {
			file, err := h.Open()
			require.NoError(t, err)
			content, err := io.ReadAll(file)
			require.NoError(t, err)
			require.NoError(t, file.Close())
			require.EqualValues(t, len(content), h.Size)
			form.files[field] = append(form.files[field], h.Filename+"="+string(content))
		}
	}
	return form
}

// A handler of net/http finds the form that it would have found in the client's bytes, wherever the
// files are meanwhile.
func TestPlainHandlersReadTheFormAgain(t *testing.T) {
	body := strings.ReplaceAll(`--B
Content-Disposition: form-data; name=a

1
--B
Content-Disposition: form-data; name="a"
Content-Type: text/plain; charset=utf-8

two
lines
--B
Content-Disposition: form-data; name="f"; filename="C:\\dir\\\"x\".txt"
Content-Type: text/csv; charset=utf-8
X-Part: yes

--Bolt
`, "\n", "\r\n") + strings.Repeat("large", 20_000) + strings.ReplaceAll(`
--B
Content-Disposition: form-data; name=f; filename=empty.bin
Content-Type: application/octet-stream


--B
Content-Disposition: form-data; name=none; filename=""


--B--
`, "\n", "\r\n")
	for name, settings := range map[string]wrappers.Settings{
		"in memory":          {},
		"in temporary files": {FileMemory: 1},
	} {
		t.Run(name, func(t *testing.T) {
			count := temporaries(t)
			want := request("POST", "/?a=0", multipartB, body)
			plain := readPlain(t, want)
			require.Len(t, plain.files["f"], 2)

			req := wrappers.NewRequest(request("POST", "/?a=0", multipartB, body))
			req.Configure(settings)
			files, err := req.Files()
			require.NoError(t, err)
			require.Equal(t, 3, files.Len())
			require.Nil(t, req.MultipartForm, "nothing is written for a view")
			require.Equal(t, plain, readPlain(t, req.Request))
			require.Equal(t, want.Form, req.Request.Form)
			require.Equal(t, want.PostForm, req.Request.PostForm)
			require.Equal(t, "yes", req.MultipartForm.File["f"][0].Header.Get("X-Part"))
			require.Equal(t, "text/csv; charset=utf-8", req.MultipartForm.File["f"][0].Header.Get("Content-Type"))

			require.NoError(t, req.MultipartForm.RemoveAll())
			require.NoError(t, req.Close())
			require.Zero(t, count())
		})
	}
}

// The form of net/http, and a copy of the request that has only the Body.
func TestACopyReadsTheFormOfAPlainHandlerAgain(t *testing.T) {
	r := request("POST", "/", multipartB, multipartField)
	copied := wrappers.NewRequest(r)
	other := copied.WithContext(copied.Context())
	require.NoError(t, copied.ParseMultipartForm(1<<20))
	_, err := copied.Form()
	require.NoError(t, err)
	require.Equal(t, url.Values{"a": {"1"}}, readPlain(t, other).values)
}

// After Parts the form is empty for a handler of net/http, not an error.
func TestPartsLeaveAnEmptyForm(t *testing.T) {
	req := wrappers.NewRequest(request("POST", "/", multipartB, multipartField))
	for part, err := range req.Parts() {
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, part)
		require.NoError(t, err)
	}
	_, err := req.Form()
	require.NoError(t, err)
	require.Empty(t, readPlain(t, req.Request).values)
}

// The temporary file that is being read is closed with the request, though nobody read to its end.
func TestAFormThatIsReadInPartLeavesNoFileOpen(t *testing.T) {
	count := temporaries(t)
	req := wrappers.NewRequest(upload(t, [2]string{"x", strings.Repeat("large", 100_000)}))
	req.Configure(wrappers.Settings{FileMemory: 1})
	_, err := req.Files()
	require.NoError(t, err)
	_, err = io.ReadFull(req.Body, make([]byte, 10_000))
	require.NoError(t, err)
	require.NoError(t, req.Close())
	require.Zero(t, count())
	_, err = io.ReadAll(req.Body)
	require.Error(t, err, "the files are gone")
}

// FuzzFormBody writes forms of arbitrary names, values and contents again, and net/http finds them.
func FuzzFormBody(f *testing.F) {
	f.Add("a", "1", "f", "x.txt", "text/plain", "hello")
	f.Add(`"\`, "\r\n--B", "é%22\xff", "../C:\\x\"", "a/b; c=\"\\\"\"", "--\r\n\r\n")
	f.Add("a\x00\x7f\n", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, name, value, field, fileName, fileType, content string) {
		const boundary = "a-boundary-that-is-not-in-the-contents"
		var body strings.Builder
		w := multipart.NewWriter(&body)
		require.NoError(t, w.SetBoundary(boundary))
		p, err := w.CreateFormField(name)
		require.NoError(t, err)
		fmt.Fprint(p, value)
		fmt.Fprintf(&body, "\r\n--%s\r\nContent-Disposition: form-data; name=\"%s\"; filename=\"%s\"\r\nContent-Type: %s\r\n\r\n%s",
			boundary, field, fileName, fileType, content)
		require.NoError(t, w.Close())
		contentType := "multipart/form-data; boundary=" + boundary
		req := wrappers.NewRequest(request("POST", "/", contentType, body.String()))
		defer req.Close()
		form, err := req.Form()
		if err != nil {
			return
		}
		files, err := req.Files()
		require.NoError(t, err)
		if err := req.ParseMultipartForm(1 << 20); err != nil {
			t.Fatalf("%v of %q", err, body.String())
		}
		want := read{url.Values{}, map[string][]string{}}
		add := func(m map[string][]string, key, text string) {
			if key = inQuotes(key); key != "" {
				m[key] = append(m[key], text)
			}
		}
		for name, value := range form.All() {
			add(want.values, name, value)
		}
		for name, file := range files.All() {
			data, err := file.Bytes()
			require.NoError(t, err)
			if file.Name == "" {
				add(want.values, name, string(data)) // for net/http it is a field
				continue
			}
			add(want.files, name, filepath.Base(inQuotes(file.Name))+"="+string(data))
		}
		require.Equal(t, want, readPlain(t, req.Request))
	})
}

// inQuotes is a name as it is in a header field.
func inQuotes(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c < ' ' || c == 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
