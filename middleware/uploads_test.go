package middleware_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway/pep3333"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/routing"
	"github.com/zeugkit/zeug/wrappers"
)

// TestUploadsToPlainHandlersAreRemoved parses an upload in a plain handler
// inside everything that passes on a copy of the request.
func TestUploadsToPlainHandlersAreRemoved(t *testing.T) {
	wrap := func(f func(http.Handler) http.Handler) func(http.Handler) http.Handler { return f }
	for _, c := range []struct {
		name string
		wrap func(http.Handler) http.Handler
	}{
		{"nothing", wrap(func(h http.Handler) http.Handler { return h })},
		{"AccessLog", middleware.AccessLog{}.Wrap},
		{"BodyLimit", middleware.BodyLimit{}.Wrap},
		{"Debugger", debugger.Debugger{Output: io.Discard}.Wrap},
		{"Dispatcher", wrap(func(h http.Handler) http.Handler {
			return middleware.Dispatcher{Mounts: map[string]http.Handler{"/up": h}}.Wrap(httperror.NotFound)
		})},
		{"Lint", middleware.Lint{Report: func(*http.Request, middleware.Finding) {}}.Wrap},
		{"ProxyFix", middleware.ProxyFix{For: 1}.Wrap},
		{"RequestID", middleware.RequestID{}.Wrap},
		{"SecureHeaders with a nonce", middleware.SecureHeaders{ContentSecurityPolicy: "script-src 'nonce'"}.Wrap},
		{"Timeout", middleware.Timeout{Limit: time.Minute}.Wrap},
		{"Timeout that is over", middleware.Timeout{Limit: time.Nanosecond}.Wrap},
		{"a Responder", httperror.Responder(httperror.Default).Wrap},
		{"a rule with variables", wrap(func(h http.Handler) http.Handler {
			return routing.MustMap[http.Handler](routing.Rule[http.Handler]{Path: "/<path:x>", Target: h}).Handler()
		})},
		{"Settings", wrappers.Settings{}.Wrap},
		{"a view", wrap(func(h http.Handler) http.Handler {
			return wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return wrappers.Handler(h), nil })
		})},
		{"views in one another", wrap(func(h http.Handler) http.Handler {
			inner := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
				req.Configure(wrappers.Settings{FileMemory: 1})
				return wrappers.Handler(h), nil
			})
			return wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) {
				return wrappers.Handler(middleware.RequestID{}.Wrap(inner)), nil
			})
		})},
		{"a gateway application", wrap(func(h http.Handler) http.Handler { return pep3333.AppOf(h) })},
		{"a chain", wrap(func(h http.Handler) http.Handler {
			return middleware.AccessLog{}.Wrap(middleware.RequestID{}.Wrap(middleware.Timeout{}.Wrap(wrappers.Settings{}.Wrap(h))))
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			parsed := make(chan int, 1)
			server := httptest.NewServer(c.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseMultipartForm(1)
				files, _ := os.ReadDir(dir)
				parsed <- len(files)
			})))
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			part, err := form.CreateFormFile("file", "a.txt")
			require.NoError(t, err)
			_, err = io.WriteString(part, strings.Repeat("x", 1000))
			require.NoError(t, err)
			require.NoError(t, form.Close())
			req, err := http.NewRequest(http.MethodPost, server.URL+"/up/load", &body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", form.FormDataContentType())
			req.Header.Set("X-Forwarded-For", "192.0.2.7")
			resp, err := server.Client().Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			files := <-parsed
			server.Close() // waits until net/http has cleaned up
			if !strings.HasSuffix(c.name, "over") {
				require.Equal(t, 1, files, "the upload was on disk")
			}
			require.Eventually(t, func() bool {
				left, err := os.ReadDir(dir)
				return err == nil && len(left) == 0
			}, 10*time.Second, time.Millisecond)
		})
	}
}
