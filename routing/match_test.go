package routing_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/routing"
)

// paths makes a Map whose endpoints are its rules' paths.
func paths(t *testing.T, options routing.Options, list ...string) *routing.Map[int] {
	t.Helper()
	var rules routing.Rules[int]
	for i, path := range list {
		rules = append(rules, routing.Rule[int]{Path: path, Endpoint: path, Target: i})
	}
	urls, err := routing.NewMapWith(options, rules)
	require.NoError(t, err)
	return urls
}

// matched describes the result of a request in one line.
func matched(urls *routing.Map[int], r *http.Request) string {
	match, err := urls.Bind(r).Match()
	var redirect *routing.RedirectError
	switch {
	case errors.As(err, &redirect):
		return "redirect " + redirect.Location
	case err != nil:
		return strings.SplitN(err.Error(), " ", 2)[0]
	}
	text := match.Rule().Path
	for name := range match.Params.All() {
		text += " " + name + "=" + match.Params.String(name)
	}
	return text
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []string
		path  string // percent-encoded
		want  string
	}{
		{"a static segment comes before a variable", []string{"/<a>", "/x"}, "/x", "/x"},
		{"a longer static text comes first", []string{"/<a>.b", "/<a>.b.b"}, "/x.b.b", "/<a>.b.b a=x"},
		{"a number comes before a text", []string{"/<a>", "/<int:a>"}, "/5", "/<int:a> a=5"},
		{"a path comes last", []string{"/<path:a>", "/<a>"}, "/5", "/<a> a=5"},
		{"a dead end is left again", []string{"/x/y", "/<a>/z"}, "/x/z", "/<a>/z a=x"},
		{"a converter that refuses lets the next rule try", []string{"/<int(min=10):a>", "/<s>"}, "/5", "/<s> s=5"},
		{"an integer beyond an int does not match", []string{"/<int:a>", "/<s>"}, "/99999999999999999999", "/<s> s=99999999999999999999"},
		{"digits of other scripts do not match", []string{"/<int:a>", "/<s>"}, "/%D9%A3", "/<s> s=٣"},
		{"an encoded slash stays in its variable", []string{"/<a>/x", "/<path:p>"}, "/1%2F2/x", "/<a>/x a=1/2"},
		{"an encoded slash does not separate static text", []string{"/a/b"}, "/a%2Fb", "404"},
		{"several variables share a segment", []string{"/v<int:major>.<int:minor>"}, "/v1.12", "/v<int:major>.<int:minor> major=1 minor=12"},
		{"the first variable takes as much as it can", []string{"/<a>-<b>"}, "/x-y-z", "/<a>-<b> a=x-y b=z"},
		{"a path in the middle takes as little as it can", []string{"/<path:a>/e/<path:b>"}, "/x/e/y/e/z", "/<path:a>/e/<path:b> a=x b=y/e/z"},
		{"text may follow a variable", []string{"/<id>+", "/<id>"}, "/abc+", "/<id>+ id=abc"},
		{"lengths count characters", []string{"/<string(length=2):a>"}, "/%C3%A4%C3%B6", "/<string(length=2):a> a=äö"},
		{"a word is one of those listed", []string{`/<any(about,"x,y"):a>`}, "/x,y", `/<any(about,"x,y"):a> a=x,y`},
		{"a regular expression matches whole segments", []string{`/<regexp("[a-z]{2}"):a>`}, "/abc", "404"},
		{"a regular expression beside others", []string{`/<regexp("[a-z]+"):a>-<int:b>`}, "/ab-1", `/<regexp("[a-z]+"):a>-<int:b> a=ab b=1`},
		{"groups in regular expressions", []string{`/<regexp("((\d{2})|(x(y)?))z"):a>-<regexp("((\d)|(q))+"):b>/<regexp("(b)+"):c>`}, "/xyz-1q2/bb", `/<regexp("((\d{2})|(x(y)?))z"):a>-<regexp("((\d)|(q))+"):b>/<regexp("(b)+"):c> a=xyz b=1q2 c=bb`},
		{"a UUID", []string{"/<uuid:a>"}, "/A8098C1A-f86e-11da-bd1a-00112444be1e", "/<uuid:a> a=A8098C1A-f86e-11da-bd1a-00112444be1e"},
		{"a branch without its slash redirects", []string{"/a/"}, "/a?x=1", "redirect /a/?x=1"},
		{"a leaf with a slash is not found", []string{"/a"}, "/a/", "404"},
		{"slashes in a row redirect", []string{"/a/b"}, "/a//b", "redirect /a/b"},
		{"slashes at the start are one", []string{"/a/b"}, "//a/b", "/a/b"},
		{"a redirect keeps what is encoded", []string{"/<a>/"}, "/x%2Fy%20z", "redirect /x%2Fy%20z/"},
		{"dots are only dots", []string{"/a/../b"}, "/a/../b", "/a/../b"},
		{"a line break is not stripped", []string{"/a"}, "/a%0A", "404"},
		{"a text may be a line break", []string{"/<a>"}, "/%0A", "/<a> a=\n"},
		{"a path holds no line break", []string{"/<path:a>"}, "/a%0Ab", "404"},
		{"a path keeps its slashes", []string{"/<path:a>/x"}, "/a//b/x", "/<path:a>/x a=a//b"},
		{"a path does not start with a slash", []string{"/x/<path:a>"}, "/x//a", "redirect /x/a"},
		{"a slash that is missing comes before a path", []string{"/<path:a>", "/x/"}, "/x", "redirect /x/"},
		{"as many digits as asked for", []string{"/<int(fixed_digits=3):a>"}, "/007", "/<int(fixed_digits=3):a> a=007"},
		{"fewer digits than asked for", []string{"/<int(fixed_digits=3):a>"}, "/07", "404"},
		{"more digits than asked for", []string{"/<int(fixed_digits=3):a>"}, "/0007", "404"},
		{"a signed integer", []string{"/<int(signed=True):a>"}, "/-5", "/<int(signed=True):a> a=-5"},
		{"an integer has no sign by itself", []string{"/<int:a>"}, "/-5", "404"},
		{"a bound of None", []string{"/<int(min=None, max=5):a>"}, "/5", "/<int(min=None, max=5):a> a=5"},
		{"an integer above its bound", []string{"/<int(min=None, max=5):a>"}, "/6", "404"},
		{"a float", []string{"/<float:a>"}, "/1.50", "/<float:a> a=1.50"},
		{"a float has a point", []string{"/<float:a>"}, "/1", "404"},
		{"a float has digits before its point", []string{"/<float:a>"}, "/.5", "404"},
		{"a float has no exponent", []string{"/<float:a>"}, "/1.5e3", "404"},
		{"a signed float", []string{"/<float(signed=True):a>"}, "/-1.5", "/<float(signed=True):a> a=-1.5"},
		{"a float within its bounds", []string{"/<float(min=1, max=2.5):a>"}, "/2.5", "/<float(min=1, max=2.5):a> a=2.5"},
		{"a float outside of its bounds", []string{"/<float(min=1, max=2.5):a>"}, "/2.6", "404"},
		{"a text that is too short", []string{"/<string(minlength=2, maxlength=3):a>"}, "/x", "404"},
		{"a text that is too long", []string{"/<string(minlength=2, maxlength=3):a>"}, "/xxxx", "404"},
		{"a word that is not listed", []string{"/<any(a, b):a>"}, "/c", "404"},
		{"a UUID in braces", []string{"/<uuid:a>"}, "/%7Ba8098c1a-f86e-11da-bd1a-00112444be1e%7D", "404"},
		{"a UUID as a URN", []string{"/<uuid:a>"}, "/urn:uuid:a8098c1a-f86e-11da-bd1a-00112444be1e", "404"},
		{"a UUID without hyphens", []string{"/<uuid:a>"}, "/a8098c1af86e11dabd1a00112444be1e", "404"},
		{"no UUID", []string{"/<uuid:a>"}, "/a8098c1a-f86e-11da-bd1a-00112444be1", "404"},
		{"the first segment of a rule that starts in slashes", []string{"//a/b"}, "/a/b", "//a/b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, matched(paths(t, routing.Options{}, c.rules...), httptest.NewRequest("GET", c.path, nil)))
		})
	}
}

func TestSlashesAreLooseWhereAskedFor(t *testing.T) {
	urls := paths(t, routing.Options{StrictSlashes: routing.Off, MergeSlashes: routing.Off}, "/a/", "/b")
	for path, want := range map[string]string{"/a": "/a/", "/a/": "/a/", "/b/": "/b", "/x//b": "404"} {
		require.Equal(t, want, matched(urls, httptest.NewRequest("GET", path, nil)), path)
	}
}

func TestMethods(t *testing.T) {
	rules := routing.Rules[int]{
		routing.Rule[int]{Path: "/a", Methods: []string{"GET"}},
		routing.Rule[int]{Path: "/a", Methods: []string{"POST", "PURGE"}},
		routing.Rule[int]{Path: "/all"},
	}
	urls, err := routing.NewMap(rules)
	require.NoError(t, err)
	for method, want := range map[string]string{"GET": "/a", "HEAD": "/a", "PURGE": "/a", "PUT": "405", "get": "405", "OPTIONS": "405"} {
		require.Equal(t, want, matched(urls, httptest.NewRequest(method, "/a", nil)), method)
	}
	w := httptest.NewRecorder()
	_, err = urls.Bind(httptest.NewRequest("PUT", "/a", nil)).Match()
	httperror.Respond(w, httptest.NewRequest("PUT", "/a", nil), err)
	require.Equal(t, 405, w.Code)
	require.Equal(t, "GET, HEAD, POST, PURGE", w.Header().Get("Allow"))
	require.ErrorIs(t, err, httperror.MethodNotAllowed)
	require.Equal(t, []string{"GET", "HEAD", "POST", "PURGE"}, urls.Bind(httptest.NewRequest("GET", "/a", nil)).AllowedMethods())
	require.Empty(t, urls.Bind(httptest.NewRequest("GET", "/all", nil)).AllowedMethods())
	require.False(t, urls.Bind(httptest.NewRequest("PUT", "/a", nil)).Test())

	urls, err = routing.NewMapWith(routing.Options{AutomaticOptions: true}, rules)
	require.NoError(t, err)
	w = httptest.NewRecorder()
	_, err = urls.Bind(httptest.NewRequest("OPTIONS", "/a", nil)).Match()
	httperror.Respond(w, httptest.NewRequest("OPTIONS", "/a", nil), err)
	require.Equal(t, 204, w.Code)
	require.Equal(t, "GET, HEAD, OPTIONS, POST, PURGE", w.Header().Get("Allow"))
}

func TestWhatOnlyBuildsMatchesNothing(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/cdn/<path:file>", Endpoint: "cdn", BuildOnly: true},
		routing.Rule[int]{Path: "/<name>"},
	)
	require.Equal(t, "404", matched(urls, httptest.NewRequest("GET", "/cdn/a.css", nil)))
	text, err := urls.Bind(httptest.NewRequest("GET", "/", nil)).Build("cdn", routing.With("file", "a.css"))
	require.NoError(t, err)
	require.Equal(t, "/cdn/a.css", text)
}

func TestRedirectsAreAbsoluteWhereAskedFor(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{ServerName: "example.org"},
		routing.Rule[int]{Path: "/", Subdomain: "<user>", Endpoint: "home"},
		routing.Rule[int]{Path: "/pages/", Subdomain: "www", Endpoint: "pages", Defaults: map[string]any{"page": 1}},
		routing.Rule[int]{Path: "/pages/<int:page>", Subdomain: "old", Endpoint: "pages"},
		routing.Rule[int]{Path: "/x/", Subdomain: "www"},
	)
	for target, want := range map[string][2]string{
		"https://www.example.org:443/x?q=1":     {"/x/?q=1", "https://www.example.org/x/?q=1"},
		"https://www.example.org/x":             {"/x/", "https://www.example.org/x/"},
		"http://old.example.org/pages/1":        {"http://www.example.org/pages/", "http://www.example.org/pages/"},
		"https://old.example.org/pages/1?a=%20": {"https://www.example.org/pages/?a=%20", "https://www.example.org/pages/?a=%20"},
	} {
		_, err := urls.Bind(httptest.NewRequest("POST", target, nil)).Match()
		var redirect *routing.RedirectError
		require.ErrorAs(t, err, &redirect, target)
		require.Equal(t, want, [2]string{redirect.Location, redirect.URL()}, target)
		require.Equal(t, http.StatusPermanentRedirect, redirect.Code)
	}
}

func TestSubdomains(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{ServerName: "Bücher.example", DefaultSubdomain: "www"},
		routing.Rule[int]{Path: "/"},
		routing.Rule[int]{Path: "/kb", Subdomain: "KB"},
		routing.Rule[int]{Path: "/user", Subdomain: "<user>"},
		routing.Rule[int]{Path: "/bare", BareHost: true},
	)
	for target, want := range map[string]string{
		"http://www.xn--bcher-kva.example/":      "/",
		"http://WWW.xn--bcher-kva.example:80/":   "/",
		"http://kb.xn--bcher-kva.example/kb":     "/kb",
		"http://anna.xn--bcher-kva.example/user": "/user user=anna",
		"http://xn--bcher-kva.example/bare":      "/bare",
		"http://xn--bcher-kva.example/":          "404",
		"http://other.example/":                  "/",
		"http://192.0.2.1/":                      "/",
		"http://other.example/kb":                "404",
		"http://www.xn--bcher-kva.example:81/":   "/",
	} {
		require.Equal(t, want, matched(urls, httptest.NewRequest("GET", target, nil)), target)
	}
	r := httptest.NewRequest("GET", "http://www.xn--bcher-kva.example/", nil)
	r.Host = strings.Repeat("a", 300)
	require.Equal(t, "routing:", matched(urls, r), "a name that is too long is a bad request")
	_, err := urls.Bind(r).Match()
	require.ErrorIs(t, err, httperror.BadRequest)
}

func TestHosts(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{HostMatching: true},
		routing.Rule[int]{Path: "/", Host: "example.org", Endpoint: "home"},
		routing.Rule[int]{Path: "/", Host: "<any(a,b):label>.example.org:8080", Endpoint: "port"},
	)
	require.Equal(t, "/", matched(urls, httptest.NewRequest("GET", "http://EXAMPLE.org:80/", nil)))
	require.Equal(t, "/ label=b", matched(urls, httptest.NewRequest("GET", "http://b.example.org:8080/", nil)))
	require.Equal(t, "404", matched(urls, httptest.NewRequest("GET", "http://c.example.org:8080/", nil)))
	adapter := urls.Bind(httptest.NewRequest("GET", "http://example.org/", nil))
	home, err := adapter.Build("home")
	require.NoError(t, err)
	require.Equal(t, "/", home)
	there, err := adapter.Build("port", routing.With("label", "a"))
	require.NoError(t, err)
	require.Equal(t, "http://a.example.org:8080/", there)
	_, err = adapter.Build("port", routing.With("label", "a/b"))
	require.Error(t, err)
}

func TestDefaultsAndAliasesRedirect(t *testing.T) {
	rules := routing.Rules[int]{
		routing.Rule[int]{Path: "/all/", Endpoint: "all", Defaults: map[string]any{"page": 1}},
		routing.Rule[int]{Path: "/all/<int:page>", Endpoint: "all"},
		routing.Rule[int]{Path: "/everything/<int:page>", Endpoint: "all", Alias: true},
		routing.Rule[int]{Path: "/old/<name>", RedirectTo: "new/<name>"},
		routing.Rule[int]{Path: "/root", RedirectTo: "/elsewhere"},
		routing.Rule[int]{Path: "/func/<int:n>", RedirectFunc: func(_ *http.Request, params routing.Params) string {
			return "all/" + params.String("n")
		}},
	}
	urls := routing.MustMap(rules)
	r := httptest.NewRequest("POST", "/app/all/1?q=x", nil)
	r, _ = gateway.Mount(r, "/app")
	require.Equal(t, "redirect /app/all/?q=x", matched(urls, r))
	for path, want := range map[string]string{
		"/all/": "/all/ page=1", "/all/2": "/all/<int:page> page=2",
		"/everything/2": "redirect /all/2", "/everything/1": "redirect /all/",
		"/old/a%2Fb": "redirect /new/a%2Fb", "/root": "redirect /elsewhere", "/func/3": "redirect /all/3",
	} {
		require.Equal(t, want, matched(urls, httptest.NewRequest("GET", path, nil)), path)
	}
	urls = routing.MustMapWith(routing.Options{KeepDefaults: true}, rules)
	require.Equal(t, "/all/<int:page> page=1", matched(urls, httptest.NewRequest("GET", "/all/1", nil)))
	require.Equal(t, "/everything/<int:page> page=1", matched(urls, httptest.NewRequest("GET", "/everything/1", nil)))
}

func TestValuesKeepRedirectsOnTheHost(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{Converters: converters, MergeSlashes: routing.Off},
		routing.Rule[int]{Path: "/a/<path:to>", RedirectTo: "<to>"},
		routing.Rule[int]{Path: "/b/<rest:to>", RedirectTo: "/<to>"},
		routing.Rule[int]{Path: "/c/<rest:to>", RedirectTo: "<to>"},
		routing.Rule[int]{Path: "/d/<path:to>", RedirectTo: "x<to>"},
		routing.Rule[int]{Path: "/e/<user>", RedirectTo: "https://example.org/x/<user>"},
	)
	for path, want := range map[string]string{
		"/a/b/c":                 "/b/c",
		"/a/https://evil.test/x": "/https://evil.test/x",
		"/a/javascript:alert(1)": "/javascript:alert(1)",
		"/b//evil.test":          "/evil.test",
		"/b/%5C/evil.test":       "/%5C/evil.test",
		"/c//evil.test":          "http://example.com//evil.test",
		"/d/:y":                  "/x:y",
		"/e/@asked.test":         "https://example.org/x/@asked.test",
	} {
		require.Equal(t, "redirect "+want, matched(urls, httptest.NewRequest("GET", path, nil)), path)
	}
}

func TestAnEmptyTextBeforeTheLastSlash(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{Converters: converters}, routing.Rule[int]{Path: "/<rest:a>/", Subdomain: "<int:n>"})
	for _, path := range []string{"", "/", "//", "///", "/a", "/a/"} {
		adapter, err := urls.BindBase(routing.Base{Host: "example.org", Subdomain: "7", Path: path})
		require.NoError(t, err)
		require.Equal(t, path != "", adapter.Test(), path)
	}
}

func TestAliasesAmongWebSockets(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/old", Endpoint: "it", WebSocket: true, Alias: true},
		routing.Rule[int]{Path: "/new", Endpoint: "it"},
	)
	adapter, err := urls.BindBase(routing.Base{Scheme: "wss", Host: "example.org", Path: "/old"})
	require.NoError(t, err)
	_, err = adapter.Match()
	var redirect *routing.RedirectError
	require.ErrorAs(t, err, &redirect)
	require.Equal(t, "https://example.org/new", redirect.URL())
}

func TestNamesOfHosts(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{HostMatching: true}, routing.Rule[int]{Path: "/", Host: "<name>"})
	long := strings.Repeat("a", 63)
	for host, ok := range map[string]bool{
		"a.example": true, "a.example.": true, long + ".example": true, "[2001:db8::1]": true, "[2001:db8::1]:81": true,
		long + "a.example": false, "a..example": false, ".example": false, "example..": false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		_, err := urls.Bind(r).Match()
		require.Equal(t, !ok, errors.Is(err, httperror.BadRequest), host)
	}
}

func TestWebSockets(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/live", WebSocket: true, Endpoint: "live"},
		routing.Rule[int]{Path: "/page"},
	)
	opening := func(path string) *http.Request {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Connection", "keep-alive, Upgrade")
		r.Header.Set("Upgrade", "WebSocket")
		return r
	}
	require.Equal(t, "/live", matched(urls, opening("/live")))
	for _, r := range []*http.Request{opening("/page"), httptest.NewRequest("GET", "/live", nil)} {
		_, err := urls.Bind(r).Match()
		require.ErrorIs(t, err, routing.ErrWebSocketMismatch)
		require.ErrorIs(t, err, httperror.BadRequest)
	}
	text, err := urls.Bind(httptest.NewRequest("GET", "https://example.org/", nil)).Build("live")
	require.NoError(t, err)
	require.Equal(t, "wss://example.org/live", text)
	require.Equal(t, "/page", matched(paths(t, routing.Options{}, "/page"), opening("/page")), "a map without such rules leaves it to its handlers")
}

func TestConditions(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/<name>", Target: 1, Condition: numbered("page")},
		routing.Rule[int]{Path: "/<name>", Target: 2, Condition: withHeader("X-Kind", "json")},
		routing.Rule[int]{Path: "/<name>", Target: 3},
	)
	match, err := urls.Bind(httptest.NewRequest("GET", "/x?page=7", nil)).Match()
	require.NoError(t, err)
	require.Equal(t, 1, match.Target)
	require.Equal(t, map[string]any{"name": "x", "page": "7"}, match.Params.Map())
	r := httptest.NewRequest("GET", "https://example.com/x?page=a", nil)
	r.Header.Set("X-Kind", "json")
	match, err = urls.Bind(r).Match()
	require.NoError(t, err)
	require.Equal(t, 2, match.Target)
	r.Header.Del("X-Kind")
	match, err = urls.Bind(r).Match()
	require.NoError(t, err)
	require.Equal(t, 3, match.Target)
}

// numbered is a condition that finds a number in the query.
type numbered string

func (name numbered) Match(r *http.Request) (map[string]string, bool) {
	text := r.URL.Query().Get(string(name))
	_, err := strconv.Atoi(text)
	return map[string]string{string(name): text}, err == nil
}

func TestConvertersOfOnesOwn(t *testing.T) {
	day := routing.Typed(func(text string) (time.Time, error) { return time.Parse(time.DateOnly, text) },
		func(day time.Time) string { return day.Format(time.DateOnly) })
	urls := routing.MustMapWith(routing.Options{Converters: map[string]routing.ConverterFunc{
		"day": func([]routing.Argument) (routing.Converter, error) { return day, nil },
		"list": func([]routing.Argument) (routing.Converter, error) {
			return routing.Converter{Pattern: `\w+(?:/\w+)*`, Slashes: true, Weight: 150}, nil
		},
	}}, routing.Rule[int]{Path: "/<day:when>", Endpoint: "day"}, routing.Rule[int]{Path: "/<list:words>/end", Endpoint: "list"}, routing.Rule[int]{Path: "/<text>"})
	match, err := urls.Bind(httptest.NewRequest("GET", "/2026-11-21", nil)).Match()
	require.NoError(t, err)
	when, ok := routing.Param[time.Time](match.Params, "when")
	require.True(t, ok)
	require.Equal(t, time.November, when.Month())
	text, err := urls.Bind(httptest.NewRequest("GET", "/", nil)).Build("day", routing.With("when", when))
	require.NoError(t, err)
	require.Equal(t, "/2026-11-21", text)
	require.Equal(t, "/<text> text=2026-13-21", matched(urls, httptest.NewRequest("GET", "/2026-13-21", nil)))
	require.Equal(t, "/<list:words>/end words=a/b", matched(urls, httptest.NewRequest("GET", "/a/b/end", nil)))
	_, err = urls.Bind(httptest.NewRequest("GET", "/", nil)).Build("day", routing.With("when", "x"))
	require.ErrorContains(t, err, "not a time.Time")
}

func TestArgs(t *testing.T) {
	urls := routing.MustMap(routing.Rule[int]{
		Path: "/<int:i>/<float:f>/<uuid:u>/<s>", Defaults: map[string]any{"lang": "de", "n": 3},
	})
	match, err := urls.Bind(httptest.NewRequest("GET", "/7/1.5/a8098c1a-f86e-11da-bd1a-00112444be1e/x", nil)).Match()
	require.NoError(t, err)
	params := match.Params
	require.Equal(t, 7, params.Int("i"))
	require.Equal(t, 1.5, params.Float("f"))
	require.Equal(t, "a8098c1a-f86e-11da-bd1a-00112444be1e", params.UUID("u").String())
	require.Equal(t, "x", params.String("s"))
	require.Equal(t, "de", params.String("lang"))
	require.Equal(t, 3, params.Int("n"))
	require.Len(t, params.Map(), 6)
	require.Zero(t, params.Int("none"))
	require.Zero(t, params.Int("s"))
	require.Empty(t, params.String("none"))
	_, ok := params.Get("none")
	require.False(t, ok)
	require.Empty(t, new(routing.Params).Map())
	require.Empty(t, new(routing.Params).String("x"))
}

func TestManyVariables(t *testing.T) {
	var path, want strings.Builder
	var values []routing.Value
	for i := range 10_000 {
		name := "v" + strconv.Itoa(i)
		path.WriteString("/<" + name + ">")
		want.WriteString("/" + strconv.Itoa(i))
		values = append(values, routing.With(name, i))
	}
	urls := routing.MustMap(routing.Rule[int]{Path: path.String(), Endpoint: "long"})
	r := httptest.NewRequest("GET", "/", nil)
	text, err := urls.Bind(r).Build("long", values...)
	require.NoError(t, err)
	require.True(t, text == want.String(), "each variable has its value")
	r.URL = &url.URL{Path: text}
	match, err := urls.Bind(r).Match()
	require.NoError(t, err)
	require.Equal(t, "9999", match.Params.String("v9999"))
}

func TestWhoeverAskedLearnsTheRule(t *testing.T) {
	urls := paths(t, routing.Options{}, "/user/<int:id>")
	r, route := gateway.WithRoute(httptest.NewRequest("GET", "/user/5", nil))
	_, err := urls.Bind(r).Match()
	require.NoError(t, err)
	require.Equal(t, "/user/<int:id>", route.Pattern)
	require.Equal(t, "/user/<int:id>", route.Endpoint)
	require.Equal(t, map[string]any{"id": 5}, route.Params())
	r, route = gateway.WithRoute(httptest.NewRequest("GET", "/none", nil))
	_, _ = urls.Bind(r).Match()
	require.Empty(t, route.Pattern)
	require.Nil(t, route.Params)
}

func TestAllocations(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/", Endpoint: "index", Target: 1},
		routing.Rule[int]{Path: "/user/<int:id>", Endpoint: "user", Target: 2},
		routing.Rule[int]{Path: "/a/<b>/<c>/<d>/<e>/<f>", Endpoint: "five", Target: 3},
		routing.Rule[int]{Path: "/post", Methods: []string{"POST"}, Target: 4},
		routing.Rule[int]{Path: "/v<int:major>.<int:minor>", Target: 5},
	)
	for name, path := range map[string]string{
		"a static path": "/", "an integer": "/user/1234567", "five texts": "/a/b/c/d/e/f",
		"two in a segment": "/v1.2", "nothing found": "/none", "a wrong method": "/post",
	} {
		r := httptest.NewRequest("GET", path, nil)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			match, _ := urls.Bind(r).Match()
			_, _ = match.Params.Get("none")
			if path == "/user/1234567" {
				_ = match.Params.Int("id")
			}
		}), name)
	}
	r := httptest.NewRequest("GET", "/", nil)
	id, name := 123456, r.Host+"/x y"
	require.EqualValues(t, 1, testing.AllocsPerRun(100, func() {
		_, _ = urls.Bind(r).Build("user", routing.With("id", id))
	}))
	require.EqualValues(t, 1, testing.AllocsPerRun(100, func() {
		_, _ = urls.Bind(r).Build("five", routing.With("b", name), routing.With("c", name), routing.With("d", id), routing.With("e", id), routing.With("f", name), routing.With("q", name))
	}))
}
