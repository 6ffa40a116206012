package page_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger/internal/capture"
	"github.com/zeugkit/zeug/middleware/debugger/internal/page"
)

// Each client gets the form that it wants, with the status of the page.
func TestEachClientGetsItsForm(t *testing.T) {
	p := page.Page{Report: &capture.Report{ID: "f1", Message: "<gone>", Request: capture.RequestFacts{Method: "GET", URL: "http://localhost/"}}, Status: 503}
	for accept, want := range map[string]struct{ kind, text string }{
		"text/html":        {"text/html; charset=utf-8", "&lt;gone&gt;"},
		"application/json": {"application/json", `"message": "\u003cgone\u003e"`},
		"*/*":              {"text/plain; charset=utf-8", "<gone>"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		require.Equal(t, 503, w.Code)
		require.Equal(t, want.kind, w.Header().Get("Content-Type"))
		require.Contains(t, w.Body.String(), want.text)
		require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	}
}
