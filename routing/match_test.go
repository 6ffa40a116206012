package routing_test

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

func TestAllocations(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/", Endpoint: "index", Target: 1},
		routing.Rule[int]{Path: "/user/<int:id>", Endpoint: "user", Target: 2},
		routing.Rule[int]{Path: "/a/<b>/<c>/<d>/<e>/<f>", Endpoint: "five", Target: 3},
		routing.Rule[int]{Path: "/post", Methods: []string{"POST"}, Target: 4},
	)
	for _, c := range []struct {
		name, path string
	}{
		{"a static path", "/"},
		{"an integer", "/user/1234567"},
		{"five texts", "/a/b/c/d/e/f"},
		{"nothing found", "/none"},
		{"a wrong method", "/post"},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		n := testing.AllocsPerRun(100, func() {
			match, _ := urls.Bind(r).Match()
			_ = match.Args.Int("id")
		})
		require.Zero(t, n, c.name)
	}
	r := httptest.NewRequest("GET", "/", nil)
	id := 123456
	n := testing.AllocsPerRun(100, func() {
		urls.Bind(r).Build("user", routing.With("id", id))
	})
	require.EqualValues(t, 1, n, "building")
	name := string(append([]byte("a/b"), r.URL.Path...))
	n = testing.AllocsPerRun(100, func() {
		urls.Bind(r).Build("five", routing.With("b", name), routing.With("c", name), routing.With("d", id), routing.With("e", id), routing.With("f", name), routing.With("q", name))
	})
	require.EqualValues(t, 1, n, "building")
}
