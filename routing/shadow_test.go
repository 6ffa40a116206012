package routing_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

func TestURLsOfOtherRulesAreNotBuilt(t *testing.T) {
	get, post := []string{"GET"}, []string{"POST"}
	for _, c := range []struct {
		name   string
		rules  []routing.Rule[int]
		values []routing.Value
		want   string
		says   string
	}{
		{
			"a static segment comes before the variable",
			[]routing.Rule[int]{{Path: "/user/<name>", Endpoint: "it"}, {Path: "/user/settings"}},
			[]routing.Value{routing.With("name", "settings")}, "", `"/user/settings" is matched by rule "/user/settings" (`,
		},
		{
			"another value is free",
			[]routing.Rule[int]{{Path: "/user/<name>", Endpoint: "it"}, {Path: "/user/settings"}},
			[]routing.Value{routing.With("name", "anna")}, "/user/anna", "",
		},
		{
			"a number comes before a text",
			[]routing.Rule[int]{{Path: "/<name>", Endpoint: "it"}, {Path: "/<int:id>"}},
			[]routing.Value{routing.With("name", "5")}, "", `matched by rule "/<int:id>"`,
		},
		{
			"the endpoint's next rule fits",
			[]routing.Rule[int]{{Path: "/<name>", Endpoint: "it"}, {Path: "/<int:id>"}, {Path: "/by-name/<name>", Endpoint: "it"}},
			[]routing.Value{routing.With("name", "5")}, "/by-name/5", "",
		},
		{
			"the other rule is for another method",
			[]routing.Rule[int]{{Path: "/<name>", Endpoint: "it", Methods: get}, {Path: "/new", Methods: post}},
			[]routing.Value{routing.With("name", "new")}, "/new", "",
		},
		{
			"the other rule redirects to its slash",
			[]routing.Rule[int]{{Path: "/<name>", Endpoint: "it"}, {Path: "/blog/"}},
			[]routing.Value{routing.With("name", "blog")}, "", `another rule redirects to "/blog/"`,
		},
		{
			"an encoded slash parts no segments",
			[]routing.Rule[int]{{Path: "/<name>", Endpoint: "it"}, {Path: "/a/b"}},
			[]routing.Value{routing.With("name", "a/b")}, "/a%2Fb", "",
		},
		{
			"encoded letters are letters",
			[]routing.Rule[int]{{Path: "/<name>", Endpoint: "it"}, {Path: "/ü"}},
			[]routing.Value{routing.With("name", "ü")}, "", `matched by rule "/ü"`,
		},
		{
			"a path goes over segments",
			[]routing.Rule[int]{{Path: "/<path:file>", Endpoint: "it"}, {Path: "/<a>/edit"}},
			[]routing.Value{routing.With("file", "x/edit")}, "", `matched by rule "/<a>/edit"`,
		},
		{
			"rules at one place differ in bounds",
			[]routing.Rule[int]{{Path: "/<int(max=5):n>"}, {Path: "/<int:id>", Endpoint: "it"}},
			[]routing.Value{routing.With("id", 3)}, "", `matched by rule "/<int(max=5):n>"`,
		},
		{
			"a rule that only builds matches nothing anyway",
			[]routing.Rule[int]{{Path: "/user/<name>", Endpoint: "it", BuildOnly: true}, {Path: "/user/settings"}},
			[]routing.Value{routing.With("name", "settings")}, "/user/settings", "",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := routing.Rules[int]{}
			for _, rule := range c.rules {
				list = append(list, rule)
			}
			for _, extra := range []routing.Value{{}, routing.With("q", "x")} { // straight, and with a query
				values, query := c.values, ""
				if extra.Name() != "" {
					values, query = append(values[:len(values):len(values)], extra), "?q=x"
				}
				text, err := routing.MustMap(list).Bind(httptest.NewRequest("GET", "/", nil)).Build("it", values...)
				if c.says != "" {
					require.ErrorContains(t, err, c.says)
					var refused *routing.BuildError
					require.ErrorAs(t, err, &refused)
					loose, err := routing.MustMapWith(routing.Options{LooseBuild: true}, list).Bind(httptest.NewRequest("GET", "/", nil)).Build("it", values...)
					require.NoError(t, err)
					require.NotEmpty(t, loose)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, c.want+query, text)
			}
		})
	}
}

func TestHostsOfOtherRulesAreNotBuilt(t *testing.T) {
	subdomains := routing.MustMapWith(routing.Options{ServerName: "example.org"},
		routing.Rule[int]{Path: "/", Subdomain: "<user>", Endpoint: "home"},
		routing.Rule[int]{Path: "/", Subdomain: "www", Endpoint: "www"},
		routing.Rule[int]{Path: "/about", Subdomain: "www"},
	)
	hosts := routing.MustMapWith(routing.Options{HostMatching: true},
		routing.Rule[int]{Path: "/", Host: "<user>.example.org", Endpoint: "home"},
		routing.Rule[int]{Path: "/", Host: "www.example.org", Endpoint: "www"},
	)
	for place, urls := range map[string]*routing.Map[int]{"www|/": subdomains, "www.example.org/": hosts} {
		adapter := urls.Bind(httptest.NewRequest("GET", "http://www.example.org/", nil))
		text, err := adapter.Build("home", routing.With("user", "anna"))
		require.NoError(t, err)
		require.Equal(t, "http://anna.example.org/", text)
		_, err = adapter.Build("home", routing.With("user", "www"))
		require.ErrorContains(t, err, fmt.Sprintf(`%q is matched by rule "/"`, place))
		text, err = adapter.Build("www")
		require.NoError(t, err)
		require.Equal(t, "/", text)
	}
}

func TestHostsThatARequestSpellsOtherwiseAreNotBuilt(t *testing.T) {
	subdomains := routing.MustMapWith(routing.Options{ServerName: "example.org"},
		routing.Rule[int]{Path: "/", Subdomain: "<user>", Endpoint: "home"})
	hosts := routing.MustMapWith(routing.Options{HostMatching: true},
		routing.Rule[int]{Path: "/", Host: "<user>.example.org", Endpoint: "home"},
		routing.Rule[int]{Path: "/any", Host: "<host>", Endpoint: "any"})
	for _, urls := range []*routing.Map[int]{subdomains, hosts} {
		adapter := urls.Bind(httptest.NewRequest("GET", "http://example.org/", nil))
		text, err := adapter.Build("home", routing.With("user", "a.b_c"))
		require.NoError(t, err)
		require.Equal(t, "http://a.b_c.example.org/", text)
		for _, user := range []string{"Anna", "a:80", "80:", "a..b", strings.Repeat("a", 64)} {
			_, err = adapter.Build("home", routing.With("user", user))
			require.ErrorContains(t, err, "does not match again", user)
		}
	}
	adapter := hosts.Bind(httptest.NewRequest("GET", "http://example.org/", nil))
	text, err := adapter.Build("any", routing.With("host", "b.test:8080"))
	require.NoError(t, err)
	require.Equal(t, "http://b.test:8080/any", text)
	_, err = adapter.Build("any", routing.With("host", "b.test:x"))
	require.ErrorContains(t, err, "does not match again")
}

var variableNames = regexp.MustCompile(`[vw]\d`)

// FuzzMapsBuildWhatTheyMatch checks, for Maps of many rules, that a URL is
// refused, redirects, or matches its endpoint with the same values. It also
// checks that a URL can be built from each match.
func FuzzMapsBuildWhatTheyMatch(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Add(uint64(824)) // "/" matches "/<words:v0>/" without its last slash
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := &random{rand.New(rand.NewPCG(seed, 3))}
		urls, err := routing.NewMapWith[int](routing.Options{StrictSlashes: d.off(4), MergeSlashes: d.off(4), KeepDefaults: d.one(3), Converters: converters})
		require.NoError(t, err)
		var list []routing.Rule[int]
		for range 1 + d.IntN(14) {
			rule := d.rule(len(list))
			if urls.Add(rule) == nil { // no duplicate
				list = append(list, rule)
			}
		}
		if len(list) == 0 { // the default of every rule was not a value of the variable
			return
		}
		for range 40 {
			rule := list[d.IntN(len(list))]
			var values []routing.Value
			given := map[string]string{}
			for _, name := range variableNames.FindAllString(rule.Path, -1) {
				given[name] = d.of("a", "b", "items", "1", "5", "42", "a-b", "a-b-c", "xa", "c.json", "", ".", "..", "a/b", "a//b", "a/", "ü", "%", "socket")
				values = append(values, routing.With(name, given[name]))
			}
			adapter := urls.Bind(httptest.NewRequest("GET", "/", nil))
			text, err := adapter.Build(rule.Endpoint, values...)
			general, failed := adapter.BuildWith(routing.BuildOptions{}, rule.Endpoint, values...)
			require.Equal(t, err == nil, failed == nil, "%v and %v", err, failed)
			require.Equal(t, general, text)
			if err != nil || rule.BuildOnly {
				continue
			}
			u, err := url.ParseRequestURI(text)
			require.NoError(t, err)
			if !reached(urls, "GET", u, rule.Endpoint, given) && !reached(urls, "POST", u, rule.Endpoint, given) {
				t.Fatalf("%s, built of %s with %v, is not matched in\n%s", text, &rule, given, urls)
			}
		}
		for range 20 {
			u, err := url.ParseRequestURI(d.path())
			require.NoError(t, err)
			match, err := bound(urls, "GET", u).Match()
			if err != nil || strings.Contains(u.RawPath, "%2F") || match.Rule().Defaults != nil ||
				strings.HasSuffix(u.Path, "/") != strings.HasSuffix(match.Rule().Path, "/") ||
				strings.Count(u.Path, "/") < strings.Count(match.Rule().Path, "/") {
				continue // the path has more information than the rule and the values
			}
			var values []routing.Value
			for name, value := range match.Params.All() {
				values = append(values, routing.With(name, value))
			}
			_, err = urls.Bind(httptest.NewRequest("GET", "/", nil)).Build(match.Rule().Endpoint, values...)
			require.NoError(t, err, "%s, matched by %s in\n%s", u, match.Rule(), urls)
		}
	})
}

func bound(urls *routing.Map[int], method string, u *url.URL) routing.Adapter[int] {
	r := httptest.NewRequest(method, "/", nil)
	r.URL = u
	return urls.Bind(r)
}

// reached reports whether the URL matches a rule of the endpoint with the given
// values, or redirects.
func reached(urls *routing.Map[int], method string, u *url.URL, endpoint string, given map[string]string) bool {
	match, err := bound(urls, method, u).Match()
	var redirect *routing.RedirectError
	if errors.As(err, &redirect) {
		return true
	}
	if err != nil || match.Rule().Endpoint != endpoint {
		return false
	}
	for name := range match.Params.All() {
		if want, ok := given[name]; ok && match.Params.String(name) != want {
			return false
		}
	}
	return true
}
