package staticfiles_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/staticfiles"
)

// TestHeaderValuesBelongToTheirResponse writes into every value of a response, and into the spare
// capacity of their slices, and requires that the next response is unchanged.
func TestHeaderValuesBelongToTheirResponse(t *testing.T) {
	h := middleware.SecureHeaders{HSTS: 1 << 40, ContentSecurityPolicy: "default-src 'self'"}.Wrap(staticfiles.SharedData{
		Exports: []staticfiles.Export{{
			Prefix: "/static", FS: fstest.MapFS{"a.txt": {Data: []byte("0123456789")}, "a.txt.gz": {Data: []byte("\x1f\x8b")}},
			Header: http.Header{"X-One": {"1"}, "X-Two": {"1", "2"}, "Vary": {"X-One"}},
		}},
	}.Wrap(http.NotFoundHandler()))
	for name, header := range map[string]http.Header{
		"whole": {}, "range": {"Range": {"bytes=2-4"}}, "ranges": {"Range": {"bytes=2-4,6-7"}}, "gzip": {"Accept-Encoding": {"gzip"}},
		"not modified": {"If-None-Match": {"*"}}, "refused": {"If-Match": {`"other"`}},
	} {
		t.Run(name, func(t *testing.T) {
			send := func() *httptest.ResponseRecorder {
				r := httptest.NewRequest("GET", "https://example.org/static/a.txt", nil)
				maps.Copy(r.Header, header)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				return w
			}
			want := send().Header().Clone()
			for _, values := range send().Header() {
				for i := range values[:cap(values)] {
					values[:cap(values)][i] = "changed"
				}
			}
			got := send().Header()
			for _, name := range slices.Sorted(maps.Keys(want)) {
				if name != "Date" && !strings.Contains(got.Get(name), "boundary=") {
					require.Equal(t, want[name], got[name], name)
				}
			}
		})
	}
}
