package hold_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger/internal/hold"
)

// The handler's response is sent when it has returned, unless it is replaced before.
func TestAResponseIsFinishedOrReplaced(t *testing.T) {
	page := func(w http.ResponseWriter) {
		w.WriteHeader(500)
		_, _ = io.WriteString(w, "page")
	}
	for name, c := range map[string]struct {
		flush, replace bool
		state          hold.State // when the handler has returned
		status         int
		body           string
	}{
		"finished":             {state: hold.Holding, status: 201, body: "answer"},
		"replaced":             {replace: true, state: hold.Holding, status: 500, body: "page"},
		"a stream":             {flush: true, state: hold.Streaming, status: 201, body: "answer"},
		"a stream is not lost": {flush: true, replace: true, state: hold.Streaming, status: 201, body: "answer"},
	} {
		t.Run(name, func(t *testing.T) {
			sent := httptest.NewRecorder()
			var response hold.Response
			w := response.Start(sent)
			w.Header().Set("X-Kept", "yes")
			w.WriteHeader(201)
			_, err := io.WriteString(w, "answer")
			require.NoError(t, err)
			require.Empty(t, sent.Body.String(), "it is held back")
			if c.flush {
				require.NoError(t, http.NewResponseController(w).Flush())
			}
			require.Equal(t, c.state, response.State())
			if c.replace {
				require.Equal(t, !c.flush, response.Replace(page))
			}
			if c.replace && !c.flush {
				_, err := io.WriteString(w, "more") // it is dropped
				require.NoError(t, err)
				response.Drop()
			} else {
				response.Finish()
			}
			_, err = io.WriteString(w, "late")
			require.Error(t, err)
			require.Equal(t, c.status, sent.Code)
			require.Equal(t, c.body, sent.Body.String())
			require.Equal(t, c.status == 500, sent.Result().Header.Get("X-Kept") == "")
		})
	}
}
