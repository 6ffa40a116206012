package middleware_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/webtest"
	"github.com/zeugkit/zeug/wrappers"
)

// app responds with its name, its root path and the path it sees.
func app(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %q %q", name, gateway.RootPath(r), r.URL.EscapedPath())
	})
}

func apps(keys ...string) map[string]http.Handler {
	mounts := map[string]http.Handler{}
	for _, key := range keys {
		mounts[key] = app(key)
	}
	return mounts
}

func TestDispatcher(t *testing.T) {
	for _, c := range []struct {
		name   string
		mounts map[string]http.Handler
		target string
		want   string
	}{
		{"takes the longest prefix", apps("/test2", "/test2/very"), "/test2/very/long/path", `/test2/very "/test2/very" "/long/path"`},
		{"takes the shorter prefix beside it", apps("/test2", "/test2/very"), "/test2/verylong", `/test2 "/test2" "/verylong"`},
		{"takes whole segments", apps("/api"), "/apix", `default "" "/apix"`},
		{"falls through", apps("/api"), "/", `default "" "/"`},
		{"falls through without mounts", nil, "/a/b", `default "" "/a/b"`},
		{"goes back to a shorter mount", apps("/a", "/a/b/c"), "/a/b/x", `/a "/a" "/b/x"`},
		{"leaves a slash of the prefix itself", apps("/api"), "/api", `/api "/api" "/"`},
		{"leaves the slash at the end", apps("/api"), "/api/", `/api "/api" "/"`},
		{"keeps two slashes", apps("/api"), "/api//x", `/api "/api" "//x"`},
		{"keeps escapes", apps("/api"), "/api/a%2Fb%20", `/api "/api" "/a%2Fb%20"`},
		{"keeps the spelling of the prefix", apps("/ä"), "/%c3%a4/x", `/ä "/%c3%a4" "/x"`},
		{"takes an encoded slash for a part of a segment", apps("/a%2Fb"), "/a/b", `default "" "/a/b"`},
		{"takes an encoded slash", apps("/a%2fb"), "/a%2Fb/c", `/a%2fb "/a%2Fb" "/c"`},
		{"does not care for a slash at the end of a mount", apps("/api/"), "/api/x", `/api/ "/api" "/x"`},
		{"mounts in place of the default", apps(""), "/x", ` "" "/x"`},
		{"mounts at the root", apps("/", "/a"), "/x", `/ "" "/x"`},
		{"does not resolve dots", apps("/a", "/b"), "/a/../b", `/a "/a" "/../b"`},
		{"takes a host", apps("example.org/", "/"), "http://EXAMPLE.org:81/x", `example.org/ "" "/x"`},
		{"takes a host with a dot", apps("example.org/"), "http://example.org./x", `example.org/ "" "/x"`},
		{"takes a path on a host", apps("example.org/a", "/a"), "http://example.org/a/b", `example.org/a "/a" "/b"`},
		{"falls from a host through to a path", apps("example.org/a", "/b"), "http://example.org/b", `/b "/b" "/"`},
		{"takes a host before a longer path", apps("example.org/", "/a/b"), "http://example.org/a/b", `example.org/ "" "/a/b"`},
		{"takes hosts below one", apps("*.example.org/"), "http://a.b.example.org/x", `*.example.org/ "" "/x"`},
		{"takes the nearest of them", apps("*.example.org/", "*.b.example.org/"), "http://a.b.example.org/x", `*.b.example.org/ "" "/x"`},
		{"takes the host itself before them", apps("*.example.org/", "www.example.org/"), "http://www.example.org/x", `www.example.org/ "" "/x"`},
		{"does not take the host above", apps("*.example.org/"), "http://example.org/x", `default "" "/x"`},
		{"takes an IPv6 address", apps("[::1]/"), "http://[::1]:80/x", `[::1]/ "" "/x"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, webtest.New(t, middleware.Dispatcher{Mounts: c.mounts}.Wrap(app("default"))).Get(c.target).Text())
		})
	}
}

func TestDispatchersAddUp(t *testing.T) {
	inner := middleware.Dispatcher{Mounts: apps("/b")}.Wrap(app("a"))
	outer := middleware.Dispatcher{Mounts: map[string]http.Handler{"/a": inner}}.Wrap(app("default"))
	c := webtest.New(t, outer, webtest.BaseURL("http://example.com/root"))
	require.Equal(t, `/b "/root/a/b" "/c"`, c.Get("/a/b/c").Text())
	require.Equal(t, `a "/root/a" "/c"`, c.Get("/a/c").Text())
	behind := middleware.ProxyFix{Prefix: 1}.Wrap(outer)
	require.Equal(t, `/b "/proxy/a/b" "/"`, webtest.New(t, behind).Get("/a/b", webtest.Header("X-Forwarded-Prefix", "/proxy")).Text())
}

func TestURLsOfAMountedApplication(t *testing.T) {
	view := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
		return wrappers.Text(req.FullURL() + " " + req.RootURL()), nil
	})
	h := middleware.Dispatcher{Mounts: map[string]http.Handler{"/api": view}}.Wrap(http.NotFoundHandler())
	require.Equal(t, "https://example.com/api/x?y https://example.com/api/",
		webtest.New(t, h).Get("https://example.com/api/x?y").Text())
}

func TestDispatcherRefusesMounts(t *testing.T) {
	for want, mounts := range map[string]map[string]http.Handler{
		`middleware.Dispatcher: mount "api" is neither a path nor a host: a path starts with a slash ("/api"), a host is followed by one ("api/")`: apps("api"),
		`middleware.Dispatcher: mounts "/api" and "/api/" are the same place`:                                                                      apps("/api", "/api/"),
		`middleware.Dispatcher: mounts "/%61" and "/a" are the same place`:                                                                         apps("/a", "/%61"),
		`middleware.Dispatcher: mount "/%zz": invalid URL escape "%zz"`:                                                                            apps("/%zz"),
		`middleware.Dispatcher: mount "/a?b" is more than a path: it has a query or a fragment`:                                                    apps("/a?b"),
		`middleware.Dispatcher: mount "/a" has no handler`:                                                                                         {"/a": nil},
		`middleware.Dispatcher: mount "a_b/": "a_b" is not a host name (write one in other letters as xn--…, and no port)`:                         apps("a_b/"),
		`middleware.Dispatcher: mount "a:80/": "a:80" is not a host name (write one in other letters as xn--…, and no port)`:                       apps("a:80/"),
	} {
		require.PanicsWithValue(t, want, func() { middleware.Dispatcher{Mounts: mounts}.Wrap(app("")) })
	}
}

func TestAnApplicationWithoutRootPathRedirectsWithinItsMount(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/dir/", app("dir"))
	mux.Handle("/login", http.RedirectHandler("/dir/", http.StatusSeeOther))
	mux.HandleFunc("/a/up", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "../dir/x", http.StatusFound) })
	mux.Handle("/out", http.RedirectHandler("//example.org/x", http.StatusFound))
	mux.Handle("/away", http.RedirectHandler("https://example.org/x", http.StatusFound))
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Location", "/here/1")
		io.WriteString(w, "here")
	})
	h := middleware.Dispatcher{Mounts: map[string]http.Handler{"/api": middleware.RewriteLocation(mux)}}.Wrap(http.NotFoundHandler())
	c := webtest.New(t, h)
	for target, want := range map[string]string{
		"/api/dir": "/api/dir/", "/api/login": "/api/dir/", "/api/a/up": "/api/dir/x",
		"/api/out": "//example.org/x", "/api/away": "https://example.org/x",
	} {
		require.Equal(t, want, c.Get(target).Header.Get("Location"), target)
	}
	require.Equal(t, `dir "/api" "/dir/"`, c.Get("/api/login", webtest.Follow).Text())
	require.Equal(t, "/api/here/1", c.Get("/api/here").Header.Get("Content-Location"))
	require.Equal(t, "/dir/", webtest.New(t, middleware.RewriteLocation(mux)).Get("/login").Header.Get("Location"), "without a mount")
}
