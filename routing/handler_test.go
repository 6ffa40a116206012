package routing_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

// The request for a handler and the context with its Params are one allocation.
func TestAHandlerWithParamsCostsOneAllocation(t *testing.T) {
	var seen string
	m := routing.MustMap(routing.Rule[http.Handler]{Path: "/users/<name>", Target: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = routing.ParamsOf(r).String("name")
	})})
	h, r := m.Handler(), httptest.NewRequest("GET", "/users/ada", nil)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { h.ServeHTTP(nil, r) }), 1.0)
	require.Equal(t, "ada", seen)
	_, set := routing.ParamsOf(r).Get("name")
	require.False(t, set, "the request of the caller stays as it is")
}
