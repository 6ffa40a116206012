package routing_test

import (
	"fmt"
	"math"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

// TestMethodsDecideFirst checks that a rule for some methods comes before a rule for all methods of
// the same path, in whichever order they are registered.
func TestMethodsDecideFirst(t *testing.T) {
	get := routing.Rule[int]{Path: "/x/<id>", Endpoint: "get", Methods: []string{"GET"}, Target: 1}
	all := routing.Rule[int]{Path: "/x/<name>", Endpoint: "all", Target: 2}
	head := routing.Rule[int]{Path: "/x/<id>", Endpoint: "head", Methods: []string{"HEAD"}, Target: 3}
	for _, rules := range []routing.Rules[int]{{get, all, head}, {all, get, head}, {head, all, get}, {all, head, get}} {
		urls, err := routing.NewMap(rules)
		require.NoError(t, err)
		for method, want := range map[string]int{"GET": 1, "POST": 2, "HEAD": 3, "PURGE": 2} {
			match, err := urls.Bind(httptest.NewRequest(method, "/x/1", nil)).Match()
			require.NoError(t, err)
			require.Equal(t, want, match.Target, method)
		}
		for _, endpoint := range []string{"get", "all", "head"} {
			name := map[string]string{"all": "name"}[endpoint]
			if name == "" {
				name = "id"
			}
			text, err := urls.Bind(httptest.NewRequest("GET", "/", nil)).Build(endpoint, routing.With(name, "1"))
			require.NoError(t, err, "a rule's URL is for a method that reaches it")
			require.Equal(t, "/x/1", text)
		}
	}
}

func TestRulesThatCannotBeReachedAreRefused(t *testing.T) {
	rule := func(path string, methods ...string) routing.Rule[int] {
		return routing.Rule[int]{Path: path, Methods: methods}
	}
	for _, c := range []struct {
		name  string
		rules routing.Rules[int]
		says  string // "" is allowed
	}{
		{"some of the methods are taken", routing.Rules[int]{rule("/x", "GET", "POST"), rule("/x", "GET", "PUT")}, ""},
		{"OPTIONS is taken", routing.Rules[int]{rule("/x", "GET", "OPTIONS"), rule("/x", "OPTIONS")}, `rule "/x" (`},
		{"several rules take the methods", routing.Rules[int]{rule("/x", "POST"), rule("/x", "PUT"), rule("/x", "POST", "PUT")}, "several rules"},
		{"HEAD comes with GET", routing.Rules[int]{rule("/x", "GET"), rule("/x", "HEAD")}, ""},
		{"HEAD is taken by name", routing.Rules[int]{rule("/x", "HEAD"), rule("/x", "HEAD")}, `rule "/x" (`},
		{"the same for all methods", routing.Rules[int]{rule("/x"), rule("/x")}, `rule "/x" (`},
		{"the same words in another order", routing.Rules[int]{rule("/<any(a, b):w>"), rule("/<any(b,a):v>")}, `rule "/<any(a, b):w>" (`},
		{"words in another order beside others", routing.Rules[int]{rule("/<any(a,ab):w><rest>"), rule("/<any(ab,a):v><rest>")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := routing.NewMap(c.rules)
			if c.says == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestMistakesInRulesAreHinted(t *testing.T) {
	slashed := func([]routing.Argument) (routing.Converter, error) {
		return routing.Converter{Pattern: `\d+/\d+`}, nil
	}
	for _, c := range []struct {
		name string
		rule routing.Rule[int]
		says string
	}{
		{"an escaped space", routing.Rule[int]{Path: "/a%20b"}, `write " ", not "%20"`},
		{"an escaped letter", routing.Rule[int]{Path: "/%C3%BC"}, `write "ü", not "%C3%BC"`},
		{"an escaped slash", routing.Rule[int]{Path: "/a%2Fb"}, "no rule has a slash within a segment"},
		{"a converter that needs a slash", routing.Rule[int]{Path: "/<pages:p>"}, "set Slashes"},
		{"a host from a value", routing.Rule[int]{Path: "/<x>", RedirectTo: "//<x>"}, "a value would name the host"},
		{"a host from a value in a URL", routing.Rule[int]{Path: "/<x>", RedirectTo: "https://<x>/y"}, "a value would name the host"},
		{"a label of a host", routing.Rule[int]{Path: "/<x>", RedirectTo: "https://<x>.example.org/"}, "a value would name the host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := routing.NewMapWith(routing.Options{Converters: map[string]routing.ConverterFunc{"pages": slashed}}, c.rule)
			require.ErrorContains(t, err, c.says)
		})
	}
	require.NotPanics(t, func() { routing.MustMap(routing.Rule[int]{Path: "/100%/a%zz"}) })
}

func TestAliasesStayOnTheHost(t *testing.T) {
	rules := routing.Rules[int]{}
	for _, host := range []string{"one.example", "two.example"} {
		rules = append(rules, routing.Rule[int]{Path: "/new", Host: host, Endpoint: "it"}, routing.Rule[int]{Path: "/old", Host: host, Endpoint: "it", Alias: true})
	}
	urls := routing.MustMapWith(routing.Options{HostMatching: true}, rules)
	for _, host := range []string{"one.example", "two.example"} {
		require.Equal(t, "redirect /new", matched(urls, httptest.NewRequest("GET", "http://"+host+"/old", nil)))
	}
}

func TestRedirectsHaveTheConvertedValue(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{Converters: converters},
		routing.Rule[int]{Path: "/old/<int:id>", RedirectTo: "/new/<id>"},
		routing.Rule[int]{Path: "/float/<float:f>", RedirectTo: "/f/<f>"},
		routing.Rule[int]{Path: "/files/<path:name>", RedirectTo: "/static/files/<name>"},
		routing.Rule[int]{Path: "/one/<name>", RedirectTo: "/static/.<name>"},
		routing.Rule[int]{Path: "/search/<q>", RedirectTo: "/find?q=<q>&page=1"},
	)
	for path, want := range map[string]string{
		"/old/007": "redirect /new/7", "/float/01.50": "redirect /f/1.5", "/files/a/b": "redirect /static/files/a/b",
		"/files/../../admin": "404", "/files/a/%2e%2e/../x": "404", "/files/.": "404", "/one/.": "404", "/one/x": "redirect /static/.x",
		"/search/a&admin=1": "redirect /find?q=a%26admin%3D1&page=1", "/search/a+b%20c": "redirect /find?q=a%2Bb+c&page=1",
	} {
		require.Equal(t, want, matched(urls, httptest.NewRequest("GET", path, nil)), path)
	}
}

func TestAValueTwiceIsRefused(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/<int:id>", Endpoint: "it"},
		routing.Rule[int]{Path: "/pages/", Endpoint: "page", Defaults: map[string]any{"page": 1}},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for _, values := range [][]routing.Value{
		{routing.With("id", 1), routing.With("id", 2)}, {routing.With("id", 1), routing.With("q", 1), routing.With("id", 1)},
	} {
		_, err := adapter.Build("it", values...)
		require.ErrorContains(t, err, `the value of "id" is given twice`)
	}
	_, err := adapter.Build("page", routing.With("page", 1), routing.With("page", 2))
	require.Error(t, err)
	text, err := adapter.Build("it", routing.With[any]("id", nil), routing.With("id", 2), routing.With("q", 1), routing.With("q", 2))
	require.NoError(t, err, "nil is not a value, and the query may have a name twice")
	require.Equal(t, "/2?q=1&q=2", text)
}

func TestALooseBuildRefusesWhatHasNoDigits(t *testing.T) {
	urls := routing.MustMapWith(routing.Options{LooseBuild: true},
		routing.Rule[int]{Path: "/x/<int:n>", Endpoint: "it"}, routing.Rule[int]{Path: "/y/<int(fixed_digits=3):n>", Endpoint: "padded"})
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for _, f := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
		text, err := adapter.Build("it", routing.With("n", f))
		require.ErrorContains(t, err, "not an integer", text)
	}
	for _, value := range []routing.Value{routing.With("n", -1), routing.With("n", "-1"), routing.With("n", -1.5)} {
		text, err := adapter.Build("padded", value)
		require.NoError(t, err)
		require.Equal(t, "/y/-01", text)
	}
}

func TestAWebSocketThatOnlyBuildsIsAWebSocket(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/live", WebSocket: true, BuildOnly: true, Endpoint: "live"},
		routing.Rule[int]{Path: "/page"},
	)
	r := httptest.NewRequest("GET", "/page", nil)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	_, err := urls.Bind(r).Match()
	require.ErrorIs(t, err, routing.ErrWebSocketMismatch)
	adapter, err := urls.BindBase(routing.Base{Host: "example.org", Scheme: "ws", Path: "/page"})
	require.NoError(t, err)
	_, err = adapter.Match()
	require.ErrorIs(t, err, routing.ErrWebSocketMismatch)
}

func TestARedirectOfAWebSocketIsOne(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/live/", WebSocket: true}, routing.Rule[int]{Path: "/old", WebSocket: true, RedirectTo: "/live/"},
	)
	for path, want := range map[string]string{"http://example.com/live": "ws://example.com/live/", "https://example.com/old": "wss://example.com/live/"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		_, err := urls.Bind(r).Match()
		var redirect *routing.RedirectError
		require.ErrorAs(t, err, &redirect)
		require.Equal(t, want, redirect.URL())
	}
}

// If several names are equally similar, the one whose rule has the values and the method is
// suggested.
func TestSuggestionsLookAtValuesAndMethod(t *testing.T) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/a/<int:id>", Endpoint: "user1", Methods: []string{"GET"}},
		routing.Rule[int]{Path: "/b/<name>", Endpoint: "user2", Methods: []string{"POST"}},
		routing.Rule[int]{Path: "/c", Endpoint: "user3", Methods: []string{"POST"}},
	)
	adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
	for _, c := range []struct {
		options routing.BuildOptions
		values  []routing.Value
		want    string
	}{
		{routing.BuildOptions{}, []routing.Value{routing.With("id", 1)}, "user1"},
		{routing.BuildOptions{}, []routing.Value{routing.With("name", 1)}, "user2"},
		{routing.BuildOptions{Method: "POST"}, nil, "user2"},
		{routing.BuildOptions{Method: "GET"}, nil, "user1"},
	} {
		_, err := adapter.BuildWith(c.options, "user", c.values...)
		var refused *routing.BuildError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, c.want, refused.Suggestion, fmt.Sprint(c))
	}
}
