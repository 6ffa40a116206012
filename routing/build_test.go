package routing_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/routing"
)

func TestBuild(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/", Endpoint: "index"},
		routing.Rule[int]{Path: "/user/<int:id>", Endpoint: "user"},
		routing.Rule[int]{Path: "/user/", Endpoint: "user", Defaults: map[string]any{"id": 1}},
		routing.Rule[int]{Path: "/file/<path:name>", Endpoint: "file"},
		routing.Rule[int]{Path: "/tag/<name>", Endpoint: "tag", Methods: []string{"GET"}},
		routing.Rule[int]{Path: "/tags", Endpoint: "tag", Methods: []string{"POST"}},
		routing.Rule[int]{Path: "/<float:f>/<uuid:u>", Endpoint: "typed"},
	)
	r, _ := gateway.Mount(httptest.NewRequest("GET", "https://example.org/app/x", nil), "/app")
	adapter := urls.Bind(r)
	for _, c := range []struct {
		endpoint string
		values   []routing.Value
		want     string
	}{
		{"index", nil, "/app/"},
		{"user", []routing.Value{routing.With("id", 5)}, "/app/user/5"},
		{"user", []routing.Value{routing.With("id", uint8(5))}, "/app/user/5"},
		{"user", []routing.Value{routing.With("id", "5")}, "/app/user/5"},
		{"user", []routing.Value{routing.With("id", 1)}, "/app/user/"},
		{"user", nil, "/app/user/"},
		{"file", []routing.Value{routing.With("name", "a/b c.txt")}, "/app/file/a/b%20c.txt"},
		{"tag", []routing.Value{routing.With("name", "a/b?")}, "/app/tag/a%2Fb%3F"},
		{"tag", []routing.Value{routing.With("name", "x"), routing.With("b", 2), routing.With("a", []any{1, nil, "ü &"}), routing.With("n", (*int)(nil))}, "/app/tag/x?b=2&a=1&a=%C3%BC+%26"},
		{"tag", nil, "/app/tags"},
		{"typed", []routing.Value{routing.With("f", 1e-9), routing.With("u", [16]byte{1})}, "/app/0.000000001/01000000-0000-0000-0000-000000000000"},
	} {
		have, err := adapter.Build(c.endpoint, c.values...)
		require.NoError(t, err)
		require.Equal(t, c.want, have)
	}
	text, err := adapter.BuildWith(routing.BuildOptions{External: true, DropUnknown: true}, "index", routing.With("x", 1))
	require.NoError(t, err)
	require.Equal(t, "https://example.org/app/", text)
	values, err := routing.Pairs("id", 7, "q", "x")
	require.NoError(t, err)
	text, err = adapter.Build("user", values...)
	require.NoError(t, err)
	require.Equal(t, "/app/user/7?q=x", text)
	_, err = routing.Pairs(1, 2)
	require.Error(t, err)
	_, err = routing.Pairs("id")
	require.Error(t, err)
}

func TestBuildRefuses(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/user/<int(min=2):id>", Endpoint: "user"},
		routing.Rule[int]{Path: "/file/<path:name>", Endpoint: "file"},
		routing.Rule[int]{Path: "/branch/<path:name>/", Endpoint: "branch"},
		routing.Rule[int]{Path: "/tag/<string(maxlength=3):name>", Endpoint: "tag", Methods: []string{"GET"}},
		routing.Rule[int]{Path: "/<a>-<b>", Endpoint: "two"},
		routing.Rule[int]{Path: "/x<a>", Endpoint: "after"},
		routing.Rule[int]{Path: "/<uuid:u>/<float:f>", Endpoint: "typed"},
		routing.Rule[int]{Path: "/en/about", Endpoint: "about", Defaults: map[string]any{"lang": "en"}},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for _, c := range []struct {
		endpoint string
		values   []routing.Value
		says     string
	}{
		{"uesr", nil, `did you mean "user"?`},
		{"tags", nil, `did you mean "tag"?`},
		{"zzz", nil, `the map has none like it`},
		{"user", nil, "values are missing: id"},
		{"user", []routing.Value{routing.With("id", 1)}, "out of the range"},
		{"user", []routing.Value{routing.With("id", -3)}, "negative"},
		{"user", []routing.Value{routing.With("id", 2.5)}, "not an integer"},
		{"user", []routing.Value{routing.With("id", "x")}, "not an integer"},
		{"tag", []routing.Value{routing.With("name", "")}, "an empty text"},
		{"tag", []routing.Value{routing.With("name", "..")}, "taken out"},
		{"tag", []routing.Value{routing.With("name", "abcd")}, "not what"},
		{"file", []routing.Value{routing.With("name", "/a")}, "not what"},
		{"file", []routing.Value{routing.With("name", "a/../b")}, "taken out"},
		{"file", []routing.Value{routing.With("name", "./b")}, "taken out"},
		{"branch", []routing.Value{routing.With("name", "a/")}, "ends with a slash"},
		{"two", []routing.Value{routing.With("a", "x"), routing.With("b", "y-z")}, "read differently"},
		{"typed", []routing.Value{routing.With("u", "x"), routing.With("f", 1.5)}, "not a UUID"},
		{"file", []routing.Value{routing.With("name", struct{}{})}, "has no text"},
		{"about", []routing.Value{routing.With("lang", "de")}, `the value of "lang" is not en, the default of rule "/en/about"`},
	} {
		text, err := adapter.Build(c.endpoint, c.values...)
		require.ErrorContains(t, err, c.says, text)
		var refused *routing.BuildError
		require.ErrorAs(t, err, &refused)
	}
	var all strings.Builder
	for c := range 256 {
		all.WriteByte(byte(c))
	}
	_, err := adapter.Build("after", routing.With("a", all.String()))
	require.ErrorContains(t, err, "tell the slashes apart")
	_, err = adapter.BuildWith(routing.BuildOptions{Method: "POST"}, "tag", routing.With("name", "x"))
	require.ErrorContains(t, err, "its methods are GET, HEAD")
	text, err := adapter.Build("after", routing.With("a", ".."))
	require.NoError(t, err)
	require.Equal(t, "/x..", text)
}

func TestEmptyTextsAreBuiltWhereTheyMatchAgain(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{Converters: converters},
		routing.Rule[int]{Path: "/a/<words:w>", Endpoint: "last"},
		routing.Rule[int]{Path: "/b/<words:w>/c", Endpoint: "middle"},
		routing.Rule[int]{Path: "/<words:w>/d", Endpoint: "first"},
		routing.Rule[int]{Path: "/e/<words:w>.", Endpoint: "dot"},
		routing.Rule[int]{Path: "/f/", Endpoint: "branch"},
		routing.Rule[int]{Path: "/f/<words:w>", Endpoint: "beside"},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for endpoint, want := range map[string]string{"last": "/a/", "middle": "/b//c"} {
		text, err := adapter.Build(endpoint, routing.With("w", ""))
		require.NoError(t, err)
		require.Equal(t, want, text)
		require.Equal(t, strings.ReplaceAll(want, "//c", "/<words:w>/c")+map[string]string{"last": "<words:w>"}[endpoint]+" w=",
			matched(urls, httptest.NewRequest("GET", text, nil)))
	}
	for endpoint, says := range map[string]string{"first": "read as a host", "dot": `the segment "."`, "beside": `matched by rule "/f/"`} {
		_, err := adapter.Build(endpoint, routing.With("w", ""))
		require.ErrorContains(t, err, says)
	}
}

func TestNoURLStartsInTwoSlashes(t *testing.T) {
	rule := routing.Rule[int]{Path: "/<rest:to>", Endpoint: "it"}
	options := routing.Options{Converters: converters}
	for _, value := range []string{"/evil.test", "//evil.test"} {
		_, err := routing.MustMapWith(options, rule).Bind(httptest.NewRequest("GET", "/", nil)).Build("it", routing.With("to", value))
		require.ErrorContains(t, err, "read as a host")
	}
	options.LooseBuild = true
	text, err := routing.MustMapWith(options, rule).Bind(httptest.NewRequest("GET", "/", nil)).Build("it", routing.With("to", "//evil.test"))
	require.NoError(t, err)
	require.Equal(t, "/evil.test", text)
}

func TestWordsAreLookedAtInALooseBuild(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{LooseBuild: true}, routing.Rule[int]{Path: "/<any(a, b):w>", Endpoint: "it"})
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	_, err := adapter.Build("it", routing.With("w", "c"))
	require.ErrorContains(t, err, `"c" is not what <any(a, b)> matches`)
	text, err := adapter.Build("it", routing.With("w", "b"))
	require.NoError(t, err)
	require.Equal(t, "/b", text)
}

// A list is the value of a variable whose converter takes lists, and otherwise
// several arguments of the query.
func TestListsAsValues(t *testing.T) {
	pair := routing.Typed(
		func(text string) ([]string, error) { return strings.Split(text, "/"), nil },
		func(pair []string) string { return strings.Join(pair, "/") },
	)
	pair.Pattern, pair.Slashes = `(\w+)/(\w+)`, true
	urls := routing.MustMapWith(routing.Options{Converters: map[string]routing.ConverterFunc{
		"pair": func([]routing.Argument) (routing.Converter, error) { return pair, nil },
	}}, routing.Rule[int]{Path: "/<pair:p>/", Endpoint: "it"}, routing.Rule[int]{Path: "/<a>", Endpoint: "other"})
	adapter := urls.Bind(httptest.NewRequest("GET", "/one/two/", nil))
	match, err := adapter.Match()
	require.NoError(t, err)
	words, ok := routing.Param[[]string](match.Params, "p")
	require.True(t, ok)
	require.Equal(t, []string{"one", "two"}, words)
	text, err := adapter.Build("it", routing.With("p", words), routing.With("q", words))
	require.NoError(t, err)
	require.Equal(t, "/one/two/?q=one&q=two", text)
	_, err = adapter.Build("other", routing.With("a", words))
	require.ErrorContains(t, err, "a []string has no text")
}

func TestDefaultsThatDifferInATruth(t *testing.T) {
	with := func(path string, defaults map[string]any) routing.Rule[int] {
		return routing.Rule[int]{Path: path, Endpoint: "x", Defaults: defaults}
	}
	urls := routing.MustMap(
		with("/", map[string]any{"foo": 1, "bar": false}), with("/<int:foo>", map[string]any{"bar": false}),
		with("/bar/", map[string]any{"foo": 1, "bar": true}), with("/bar/<int:foo>", map[string]any{"bar": true}),
	)
	for path, want := range map[string]string{
		"/": "/ bar=false foo=1", "/2": "/<int:foo> foo=2 bar=false", "/bar/": "/bar/ bar=true foo=1", "/bar/2": "/bar/<int:foo> foo=2 bar=true",
		"/1": "redirect /", "/bar/1": "redirect /bar/",
	} {
		require.Equal(t, want, matched(urls, httptest.NewRequest("GET", path, nil)), path)
	}
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for want, values := range map[string][]routing.Value{
		"/":      {routing.With("foo", 1), routing.With("bar", false)},
		"/2":     {routing.With("foo", 2), routing.With("bar", false)},
		"/bar/":  {routing.With("bar", true)},
		"/bar/2": {routing.With("foo", 2), routing.With("bar", true)},
	} {
		text, err := adapter.Build("x", values...)
		require.NoError(t, err)
		require.Equal(t, want, text)
	}
}

func TestAnEndpointOnSeveralHosts(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{HostMatching: true},
		routing.Rule[int]{Path: "/", Host: "one.example", Endpoint: "index"},
		routing.Rule[int]{Path: "/", Host: "two.example", Endpoint: "index"},
		routing.Rule[int]{Path: "/", Host: "three.example", Endpoint: "third"},
	)
	for host, want := range map[string][2]string{
		"one.example":  {"/", "http://three.example/"},
		"TWO.example":  {"/", "http://three.example/"},
		"none.example": {"http://one.example/", "http://three.example/"},
	} {
		adapter := urls.Bind(httptest.NewRequest("GET", "http://"+host+"/", nil))
		index, err := adapter.Build("index")
		require.NoError(t, err)
		third, err := adapter.Build("third")
		require.NoError(t, err)
		require.Equal(t, want, [2]string{index, third})
	}
}

func TestSortedQueries(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{SortParameters: true}, routing.Rule[int]{Path: "/", Endpoint: "index"})
	text, err := urls.Bind(httptest.NewRequest("GET", "/", nil)).Build("index", routing.With("b", 1), routing.With("a", []int{10, 9}), routing.With("a", "x"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(text, "/?a="), text)
	require.True(t, strings.HasSuffix(text, "&b=1"), text)
}

func TestBuildAtAPlace(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{DefaultSubdomain: "www"},
		routing.Rule[int]{Path: "/", Endpoint: "index"},
		routing.Rule[int]{Path: "/", Endpoint: "user", Subdomain: "<user>"},
	)
	adapter, err := urls.BindBase(routing.Base{Scheme: "https", Host: "Example.org", RootPath: "/app/"})
	require.NoError(t, err)
	text, err := adapter.Build("user", routing.With("user", "anna"))
	require.NoError(t, err)
	require.Equal(t, "https://anna.example.org/app/", text)
	text, err = adapter.BuildWith(routing.BuildOptions{External: true, NoScheme: true}, "index")
	require.NoError(t, err)
	require.Equal(t, "//www.example.org/app/", text)
	_, err = urls.BindBase(routing.Base{Host: strings.Repeat("a", 300)})
	require.Error(t, err)
}

// FuzzBuiltURLsMatchAgain checks that a URL is either refused, or matched by the same rule with the
// same values.
func FuzzBuiltURLsMatchAgain(f *testing.F) {
	rules := []string{
		"/t/<a>", "/p/<path:a>/end", "/q/<path:a>/", "/two/<a>-<b>", "/mix/<int:n>.<a>", "/pre<a>/x<b>y",
		"/w/<string(minlength=2,maxlength=4):a>/<b>", `/r/<regexp("[a-z]+"):a>_<b>`, "/s/<int(signed=True):n>/<a>", "/d/<path:a>.<b>/<path:c>",
	}
	urls := routing.Rules[int]{}
	for i, rule := range rules {
		urls = append(urls, routing.Rule[int]{Path: rule, Endpoint: fmt.Sprint(i), Target: i})
	}
	m := routing.MustMap(urls)
	for i := range rules {
		for _, text := range []string{"x", "", ".", "..", "a/b", "a//b", "/", "x-y", "ü", "%2F", "a.b", "\n", "a\nb", "\xff", "-", "x/end", "é\xcc"} {
			f.Add(uint8(i), text, "y", 5)
			f.Add(uint8(i), "y", text, -7)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, a, b string, n int) {
		endpoint := int(which) % len(rules)
		bound := m.Bind(httptest.NewRequest("GET", "/", nil))
		options := routing.BuildOptions{DropUnknown: true}
		given := map[string]any{"a": a, "b": b, "c": b, "n": n}
		text, err := bound.BuildWith(options, fmt.Sprint(endpoint), routing.With("a", a), routing.With("b", b), routing.With("c", b), routing.With("n", n))
		if err != nil {
			return
		}
		u, err := url.ParseRequestURI(text)
		require.NoError(t, err, text)
		r := httptest.NewRequest("GET", "/", nil)
		r.URL = u
		match, err := m.Bind(r).Match()
		require.NoError(t, err, text)
		require.Equal(t, endpoint, match.Target, text)
		for name, value := range match.Params.All() {
			require.Equal(t, given[name], value, "%s of %q", name, text)
		}
	})
}

// FuzzMatch checks that no path makes a match panic, and that a URL can be built from every match
// and matches the same way, or is refused.
func FuzzMatch(f *testing.F) {
	rules := routing.Rules[int]{}
	for i, path := range []string{
		"/<a>-<b>.<c>/<path:d>/e/<path:f>/", "/<int:a>.<float:b>/<uuid:c>", `/<any(a,ab,abc):a><string(length=2):b>/<regexp(".+"):c>x`,
		"/a//b/<c>", "/<a>/<b>/<c>/", "/<a>/x<b>/<c>y/<d>", "/<string(minlength=0):a>/<int(signed=True):b>",
	} {
		rules = append(rules, routing.Rule[int]{Path: path, Endpoint: fmt.Sprint(i), Target: i, MergeSlashes: routing.Off})
	}
	m := routing.MustMap[int](rules)
	for _, path := range []string{
		"", "/", "//", "*", "/a-b.c/d/e/f/", "/1.2.3/x", "/abxy/zx", "/a%2F-%2F.b/c/e/f", strings.Repeat("/-.", 300), "/%ff%fe%2f", "/a//b/c",
		"/a/b/c/", "/a/xb/cy/d", "/a%2Fb/x%2F/%2Fy/d", "/a/-5", "/1.2.5/a8098c1a-f86e-11da-bd1a-00112444be1e",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse(path)
		if err != nil {
			u = &url.URL{Path: path}
		}
		match, err := bound(m, "GET", u).Match()
		if err != nil {
			return
		}
		require.NotEmpty(t, match.Params.Map())
		var values []routing.Value
		for name, value := range match.Params.All() {
			require.Equal(t, fmt.Sprint(value), fmt.Sprint(match.Params.Map()[name]))
			values = append(values, routing.With(name, value))
		}
		text, err := bound(m, "GET", u).Build(match.Rule().Endpoint, values...)
		if err != nil {
			return
		}
		again, err := url.ParseRequestURI(text)
		require.NoError(t, err)
		same, err := bound(m, "GET", again).Match()
		require.NoError(t, err, text)
		require.Equal(t, match.Target, same.Target, text)
		require.Equal(t, match.Params.Map(), same.Params.Map(), text)
	})
}
