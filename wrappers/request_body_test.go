package wrappers_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

func zipped(t *testing.T, body string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := io.WriteString(z, body)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return &b
}

func unzip(req *wrappers.Request) error {
	z, err := gzip.NewReader(req.Body)
	req.Body = z
	return err
}

// TestAViewMayReplaceTheBody corresponds to Werkzeug's test_stream_wrapping.
func TestAViewMayReplaceTheBody(t *testing.T) {
	multipart := "--B\r\nContent-Disposition: form-data; name=a; filename=x\r\n\r\n" + strings.Repeat("x", 1000) + "\r\n--B--\r\n"
	for _, c := range []struct {
		name, contentType, body string
		read                    func(t *testing.T, req *wrappers.Request)
	}{
		{"Form", urlencoded, "a=1&b=2", func(t *testing.T, req *wrappers.Request) {
			form, err := req.Form()
			require.NoError(t, err)
			require.Equal(t, "a=1&b=2", form.Encode())
			require.Equal(t, "2", req.Request.PostForm.Get("b"))
		}},
		{"Files", multipartB, multipart, func(t *testing.T, req *wrappers.Request) {
			files, err := req.Files()
			require.NoError(t, err)
			content, err := files.Get("a").Bytes()
			require.NoError(t, err)
			require.Len(t, content, 1000)
		}},
		{"Parts", multipartB, multipart, func(t *testing.T, req *wrappers.Request) {
			for part, err := range req.Parts() {
				require.NoError(t, err)
				require.Equal(t, "a", part.Field)
			}
		}},
		{"Data", "", "text", func(t *testing.T, req *wrappers.Request) {
			data, err := req.Data()
			require.NoError(t, err)
			require.Equal(t, "text", string(data))
		}},
		{"JSON", "application/json", `{"a":1}`, func(t *testing.T, req *wrappers.Request) {
			var v map[string]int
			require.NoError(t, req.JSON(&v))
			require.Equal(t, 1, v["a"])
		}},
		{"a plain handler after Data", "", "text", func(t *testing.T, req *wrappers.Request) {
			_, err := req.Data()
			require.NoError(t, err)
			data, err := io.ReadAll(req.Request.Body)
			require.NoError(t, err)
			require.Equal(t, "text", string(data))
		}},
		{"an inner view", urlencoded, "a=1", func(t *testing.T, req *wrappers.Request) {
			_, err := req.Form()
			require.NoError(t, err)
			require.Same(t, req, wrappers.NewRequest(req.Request))
		}},
		{"after Configure", urlencoded, "a=1", func(t *testing.T, req *wrappers.Request) {
			req.Configure(wrappers.Settings{})
			form, err := req.Form()
			require.NoError(t, err)
			require.Equal(t, "a=1", form.Encode())
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			view := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
				req.Configure(wrappers.Settings{FileMemory: 1})
				if err := unzip(req); err != nil {
					return nil, err
				}
				c.read(t, req)
				return wrappers.Text(""), nil
			})
			for name, h := range map[string]http.Handler{
				"outermost": view,
				"inside a view": wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
					return wrappers.Handler(view), nil
				}),
				"inside a view and a copy": wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
					return wrappers.Handler(wrappers.Settings{FileMemory: 1}.Wrap(view)), nil
				}),
			} {
				r := httptest.NewRequest(http.MethodPost, "/", zipped(t, c.body))
				r.Header.Set("Content-Type", c.contentType)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Equal(t, http.StatusOK, w.Code, name)
				left, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Empty(t, left, name)
			}
		})
	}
}

func TestLimitsHoldForBothBodies(t *testing.T) {
	req := post("", zipped(t, strings.Repeat("x", 100_000)))
	req.Configure(wrappers.Settings{Limits: wrappers.Limits{Body: 10_000}})
	require.NoError(t, unzip(req))
	_, err := req.Data()
	require.Equal(t, httperror.ContentTooLarge, code(t, err), "what it becomes")

	req = post("", io.MultiReader(zipped(t, ""), strings.NewReader(strings.Repeat("x", 100_000))))
	req.Configure(wrappers.Settings{Limits: wrappers.Limits{Body: 5}})
	require.Equal(t, httperror.ContentTooLarge, code(t, unzip(req)), "what the client sent")
}

func TestABodyMayBeTakenAway(t *testing.T) {
	req := post(urlencoded, strings.NewReader("a=1"))
	req.Body = http.NoBody
	form, err := req.Form()
	require.NoError(t, err)
	require.Zero(t, form.Len())
	require.NoError(t, req.Close())
}

func TestAShallowRequestLeavesTheBodyAlone(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a=1"))
	body := r.Body
	req := wrappers.NewShallowRequest(r)
	req.Configure(wrappers.Settings{})
	_, err := req.Data()
	require.ErrorContains(t, err, "shallow")
	require.Equal(t, body, req.Body)
}
