package wrappers_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

// TestNothingInAHeaderIsShared writes into every value that a response put into the header.
// Afterwards the same Response must not answer differently, and another one must not either.
func TestNothingInAHeaderIsShared(t *testing.T) {
	inMemory := wrappers.Text("hello")
	withHeader := wrappers.HTML("<p>")
	withHeader.Header().Set("X-A", "1")
	withHeader.Header()["Date"] = []string{"Mon, 02 Nov 2026 00:00:00 GMT"}
	require.NoError(t, withHeader.AddVary("Accept"))
	require.NoError(t, withHeader.Set("Allow", "GET"))
	ranged := wrappers.NewResponse("application/octet-stream", []byte("0123456789")).MakeConditional()
	require.NoError(t, ranged.AddETag())
	ranged.SetLastModified(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	empty := new(wrappers.Response)
	untyped := new(wrappers.Response)
	untyped.SetBody([]byte("x"))
	failure := &httperror.Error{Code: httperror.TooManyRequests, Header: http.Header{"Retry-After": {"7"}}}
	for _, c := range []struct {
		name   string
		header [2]string
		make   func() http.Handler
	}{
		{"text that is served twice", [2]string{}, func() http.Handler { return inMemory }},
		{"a header that is served twice", [2]string{}, func() http.Handler { return withHeader }},
		{"an empty response", [2]string{}, func() http.Handler { return empty }},
		{"a body without a type", [2]string{}, func() http.Handler { return untyped }},
		{"all of what has ranges", [2]string{}, func() http.Handler { return ranged }},
		{"a range", [2]string{"Range", "bytes=1-3"}, func() http.Handler { return ranged }},
		{"not modified", [2]string{"If-None-Match", "*"}, func() http.Handler { return ranged }},
		{"a range that cannot be satisfied", [2]string{"Range", "bytes=99-"}, func() http.Handler { return ranged }},
		{"JSON", [2]string{}, func() http.Handler {
			resp, err := wrappers.JSON([]int{1})
			require.NoError(t, err)
			return resp
		}},
		{"a redirect", [2]string{}, func() http.Handler { return wrappers.Redirect("/ü") }},
		{"a reader", [2]string{}, func() http.Handler {
			return wrappers.Reader("text/plain", strings.NewReader("x"))
		}},
		{"a stream", [2]string{}, func() http.Handler {
			return wrappers.Stream("text/plain", func(w *wrappers.StreamWriter) error {
				_, err := io.WriteString(w, "x")
				return err
			})
		}},
		{"another handler", [2]string{}, func() http.Handler { return wrappers.Handler(withHeader) }},
		{"a captured one", [2]string{}, func() http.Handler {
			return wrappers.Capture(inMemory, httptest.NewRequest(http.MethodGet, "/", nil))
		}},
		{"an error with a header", [2]string{}, func() http.Handler { return failure }},
		{"a view that fails", [2]string{"Accept", "application/json"}, func() http.Handler {
			return wrappers.View(func(*wrappers.Request) (*wrappers.Response, error) { return nil, httperror.NotFound })
		}},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			t.Run(c.name+" "+method, func(t *testing.T) {
				serve := func() http.Header {
					r := httptest.NewRequest(method, "/", nil)
					if c.header[0] != "" {
						r.Header.Set(c.header[0], c.header[1])
					}
					w := httptest.NewRecorder()
					w.Header()["Vary"] = []string{"Cookie"}
					c.make().ServeHTTP(w, r)
					return w.Header()
				}
				first := serve()
				want := first.Clone()
				for _, values := range first {
					for i := range values {
						values[i] = "overwritten"
					}
					_ = append(values, "appended")
				}
				require.Equal(t, want, serve())
			})
		}
	}
}

// TestParsedHeadersShareNothing changes the values that were parsed from a request's header.
func TestParsedHeadersShareNothing(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?a=1", bytes.NewReader(nil))
	r.Header.Set("Cookie", "a=1")
	r.Header.Set("Cache-Control", "max-age=1")
	req, again := wrappers.NewRequest(r), wrappers.NewRequest(r)
	req.Query().Set("a", "2")
	req.Cookies().Set("a", "2")
	cc := req.CacheControl()
	*cc.MaxAge = 2
	require.Equal(t, "1", again.Query().Get("a"))
	require.Equal(t, "1", again.Cookies().Get("a"))
	require.Equal(t, new(time.Second), again.CacheControl().MaxAge)
	var none datastructures.Values
	require.Zero(t, none.Len())
}
