package serving_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving"
)

// TestATimeoutAnswersWhileTheBodyStalls sends a part of a body and then nothing. The server's own
// limit on stalls is much longer, so that only the middleware can answer.
func TestATimeoutAnswersWhileTheBodyStalls(t *testing.T) {
	t.Parallel()
	app := middleware.Timeout{Limit: 100 * time.Millisecond}.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	_, addr := start(t, app.ServeHTTP, serving.Options{StallTimeout: time.Minute, MinRate: -1})
	began := time.Now()
	_, r := dial(t, addr, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\npart")
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	require.Less(t, time.Since(began), 30*time.Second)
}
