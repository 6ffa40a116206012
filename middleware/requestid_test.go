package middleware_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
)

var showID = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, middleware.RequestIDOf(r.Context())) })

func TestRequestID(t *testing.T) {
	c := webtest.New(t, middleware.RequestID{}.Wrap(showID))
	first, second := c.Get("/"), c.Get("/")
	require.Regexp(t, "^[A-Z2-7]{26}$", first.Text())
	require.NotEqual(t, first.Text(), second.Text())
	require.Equal(t, first.Text(), first.Header.Get("X-Request-Id"))
	require.NotEqual(t, "mine", c.Get("/", webtest.Header("X-Request-Id", "mine")).Text(), "nobody is trusted by default")
	require.Empty(t, webtest.New(t, showID).Get("/").Text())
}

func TestRequestIDIsTakenOver(t *testing.T) {
	c := webtest.New(t, middleware.RequestID{Header: "x-trace", Trust: true, New: func() string { return "new" }}.Wrap(showID))
	for _, id := range []string{"a", "4bf92f35-77b3:a_b.c~d+e/f=@", strings.Repeat("x", 128)} {
		resp := c.Get("/", webtest.Header("X-Trace", id))
		require.Equal(t, id, resp.Text())
		require.Equal(t, id, resp.Header.Get("X-Trace"))
	}
	for _, ids := range [][]string{nil, {""}, {"a b"}, {"a\"b"}, {"ü"}, {"a,b"}, {strings.Repeat("x", 129)}, {"a", "b"}} {
		require.Equal(t, "new", c.Get("/", webtest.Header("X-Trace", ids...)).Text(), "%q", ids)
	}
}
