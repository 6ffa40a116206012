package middleware_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/internal/recording/recordingtest"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/timeline"
)

func TestMiddlewaresAreMarkedInDevelopment(t *testing.T) {
	view := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { timeline.Start(r.Context(), "view", "own").End() })
	chain := middleware.Chain(middleware.SecureHeaders{}.Wrap, middleware.RequestID{}.Wrap)
	ctx, recorder := recordingtest.New(t.Context())
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)

	defer development.Set(false)()
	chain(view).ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, []string{"view own"}, recorder.Marks())

	defer development.Set(true)()
	chain(view).ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, []string{"middleware middleware.SecureHeaders", "middleware middleware.RequestID", "view own"}, recorder.Marks())
}
