package routing_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/routing"
)

func TestARedirectKeepsItsValuesInPlace(t *testing.T) {
	m := routing.MustMap(
		routing.Rule[int]{Path: "/path/<path:x>", RedirectTo: "/<x>"},
		routing.Rule[int]{Path: "/segment/<x>", RedirectTo: "/new/<x>"},
		routing.Rule[int]{Path: "/query/<x>", RedirectTo: "/new?q=<x>"},
		routing.Rule[int]{Path: "/whole/<x>", RedirectTo: "<x>"},
	)
	for path, want := range map[string]string{
		"/path/%2Fevil.example": "",
		"/path/x/../y":          "",
		"/segment/..":           "",
		"/segment/%2e%2e":       "",
		"/segment/..%2f..":      "http://h/new/..%2F..",
		"/segment/a%3Fb%23c":    "http://h/new/a%3Fb%23c",
		"/query/a&b=c":          "http://h/new?q=a%26b%3Dc",
		"/whole/https:":         "http://h/https:",
		"/whole/%5Cevil":        "http://h/%5Cevil",
	} {
		_, err := m.Bind(httptest.NewRequest("GET", "http://h"+path, nil)).Match()
		if want == "" {
			require.ErrorContains(t, err, "404", path)
			continue
		}
		var redirect *routing.RedirectError
		require.ErrorAs(t, err, &redirect, path)
		require.Equal(t, want, redirect.URL(), path)
	}
}

func TestPortsOfHosts(t *testing.T) {
	host := func(name string) routing.Rule[string] {
		return routing.Rule[string]{Path: "/", Host: name, Target: name}
	}
	hosts := routing.MustMapWith(routing.Options{HostMatching: true}, host("example.org"), host("example.org:8080"))
	subdomains := routing.MustMapWith(routing.Options{ServerName: "example.org"},
		routing.Rule[string]{Path: "/", Subdomain: "a", Target: "a"}, routing.Rule[string]{Path: "/", Target: "default"})
	for url, want := range map[string][2]string{
		"http://example.org/":         {"example.org", "default"},
		"http://example.org:80/":      {"example.org", "default"},
		"http://example.org:8080/":    {"example.org:8080", "default"},
		"http://example.org:9090/":    {"", "default"},
		"https://example.org:443/":    {"example.org", "default"},
		"https://example.org:80/":     {"", "default"},
		"http://a.example.org:80/":    {"", "a"},
		"http://a.example.org:8080/":  {"", "default"},
		"https://a.example.org:8080/": {"", "default"},
	} {
		r := httptest.NewRequest("GET", url, nil)
		for i, m := range []*routing.Map[string]{hosts, subdomains} {
			match, err := m.Bind(r).Match()
			require.Equal(t, want[i], match.Target, url)
			require.Equal(t, want[i] == "", err != nil, url)
		}
	}
}

func TestAMapInsideServeMux(t *testing.T) {
	m := routing.MustMap(routing.Rule[http.Handler]{Path: "/posts/", Endpoint: "posts", Target: http.NotFoundHandler()})
	mounted := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner, ok := gateway.Mount(r, "/blog")
		if !ok {
			http.NotFound(w, r)
			return
		}
		m.Handler().ServeHTTP(w, inner)
	})
	for name, c := range map[string]struct {
		handler http.Handler
		want    string
	}{
		"StripPrefix loses the mount": {http.StripPrefix("/blog", m.Handler()), "/posts/"},
		"gateway.Mount keeps it":      {mounted, "/blog/posts/"},
	} {
		mux := http.NewServeMux()
		mux.Handle("/blog/", c.handler)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("GET", "/blog/posts", nil))
		require.Equal(t, c.want, w.Header().Get("Location"), name)
	}
}

func TestTwoVariablesInASegment(t *testing.T) {
	m := routing.MustMap(routing.Rule[int]{Path: "/<file>.<ext>"})
	match, err := m.Bind(httptest.NewRequest("GET", "/a.b.c", nil)).Match()
	require.NoError(t, err)
	require.Equal(t, map[string]any{"file": "a.b", "ext": "c"}, match.Params.Map())
}
