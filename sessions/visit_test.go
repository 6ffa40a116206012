package sessions

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
)

// visit sends a request with cookies through a Manager, to a handler that uses the
// session. It returns the cookies that the client has afterwards.
func visit(t testing.TB, m Manager, cookies string, use func(*Session)) (string, *httptest.ResponseRecorder) {
	t.Helper()
	w := serve(m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { use(Get(r)) })), cookies)
	return after(t, cookies, w), w
}

func serve(h http.Handler, cookies string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	if cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// after returns the cookies that a browser with these cookies has after a
// response.
func after(t testing.TB, cookies string, w *httptest.ResponseRecorder) string {
	t.Helper()
	for _, line := range w.Result().Header["Set-Cookie"] {
		c, ok := datastructures.ParseSetCookie(line)
		require.True(t, ok, line)
		kept := []string{}
		for pair := range strings.SplitSeq(cookies, "; ") {
			if pair != "" && !strings.HasPrefix(pair, c.Name+"=") {
				kept = append(kept, pair)
			}
		}
		if c.MaxAge >= 0 {
			kept = append(kept, c.Name+"="+c.Value)
		}
		cookies = strings.Join(kept, "; ")
	}
	return cookies
}
