package httperror_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/httperror"
)

// moved sends a response of its own, as a redirect of the router does.
type moved struct{ error }

func (moved) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/", http.StatusFound)
}

func TestProblemAnswersInJSON(t *testing.T) {
	for _, c := range []struct {
		name, accept, contentType string
		err                       error
		status                    int
		body                      string
	}{
		{"without Accept", "", "application/problem+json", httperror.NotFound, 404, `{"title":"Not Found","status":404,"detail":"There is no page at this address. Perhaps there is a typing error in it."}`},
		{"whatever the client takes", "*/*", "application/problem+json", httperror.NotFound, 404, ""},
		{"a browser", "text/html", "application/problem+json", httperror.NotFound, 404, ""},
		{"a client that wants plain JSON", "application/json", "application/json", httperror.NotFound, 404, ""},
		{"an error with members", "", "application/problem+json", &httperror.Error{Code: httperror.UnprocessableContent, Description: "No.", Members: map[string]any{"field": "a"}}, 422, `{"title":"Unprocessable Content","status":422,"detail":"No.","field":"a"}`},
		{"any other error", "", "application/problem+json", errors.New("secret"), 500, ""},
		{"what answers for itself", "", "text/html; charset=utf-8", moved{errors.New("moved")}, 302, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			w := httptest.NewRecorder()
			httperror.Responder(httperror.Problem).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				httperror.Respond(w, r, c.err)
			})).ServeHTTP(w, r)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.contentType, w.Header().Get("Content-Type"))
			require.NotContains(t, w.Body.String(), "secret")
			if c.body != "" {
				require.JSONEq(t, c.body, w.Body.String())
			}
			if c.status != 302 {
				require.True(t, json.Valid(w.Body.Bytes()))
				require.Equal(t, "Accept", w.Header().Get("Vary"))
			}
		})
	}
}

func TestNamesAreThoseOfTheRegistry(t *testing.T) {
	for code, name := range map[httperror.Code]string{
		413: "Content Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable", 422: "Unprocessable Content",
	} {
		require.Equal(t, name, code.Name())
	}
}
