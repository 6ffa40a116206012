package httperror_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
)

// TestNothingInAHeaderIsShared writes into every value of the header of an
// error's response, and into the result of From.
func TestNothingInAHeaderIsShared(t *testing.T) {
	own := &httperror.Error{
		Code: httperror.ServiceUnavailable, Header: http.Header{"Retry-After": {"7"}}, Members: map[string]any{"a": 1},
	}
	for name, failure := range map[string]error{"a code": httperror.NotFound, "an error": own, "a 405": httperror.NotAllowed("GET")} {
		for _, accept := range []string{"text/html", "application/json", "application/problem+json"} {
			t.Run(name+" as "+accept, func(t *testing.T) {
				serve := func() http.Header {
					r := httptest.NewRequest(http.MethodGet, "/", nil)
					r.Header.Set("Accept", accept)
					w := httptest.NewRecorder()
					httperror.Respond(w, r, failure)
					return w.Header()
				}
				first := serve()
				want := first.Clone()
				for _, values := range first {
					for i := range values {
						values[i] = "overwritten"
					}
				}
				from, ok := httperror.From(failure)
				require.True(t, ok)
				for _, values := range from.Header {
					values[0] = "overwritten"
				}
				clear(from.Members)
				require.Equal(t, want, serve())
			})
		}
	}
	require.Equal(t, map[string]any{"a": 1}, own.Members)
}
