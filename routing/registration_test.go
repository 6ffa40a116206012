package routing_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

func TestRulesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		rule   routing.Rule[int]
		offset int
		says   string
	}{
		{"without a leading slash", routing.Rule[int]{Path: "a"}, 0, "starts with a slash"},
		{"a variable that is not closed", routing.Rule[int]{Path: "/a/<b"}, 3, "not closed"},
		{"a variable without a name", routing.Rule[int]{Path: "/a/<>"}, 4, "needs a name"},
		{"a name that starts with a digit", routing.Rule[int]{Path: "/<1a>"}, 2, "needs a name"},
		{"a space before the name", routing.Rule[int]{Path: "/<int: id>"}, 6, "unexpected ' ' in a variable"},
		{"a name with a hyphen", routing.Rule[int]{Path: "/<user-id>"}, 6, "letters, digits and underscores"},
		{"a name without its converter", routing.Rule[int]{Path: "/<int:>"}, 6, "the name of the variable is missing"},
		{"the name before the converter", routing.Rule[int]{Path: "/<id:int>"}, 1, "did you mean <int:id>?"},
		{"a converter by another name", routing.Rule[int]{Path: "/<integer:id>"}, 1, `did you mean "int"?`},
		{"a converter like no other", routing.Rule[int]{Path: "/<slug:id>"}, 1, "uuid, and those of Options.Converters"},
		{"a variable in braces", routing.Rule[int]{Path: "/user/{id:[0-9]+}"}, 6, "a variable is written <id> here, not {id}"},
		{"a variable after a colon", routing.Rule[int]{Path: "/user/:id"}, 6, "a variable is written <id> here, not :id"},
		{"a star at the end", routing.Rule[int]{Path: "/files/*"}, 7, "<path:rest>"},
		{"a name after a star", routing.Rule[int]{Path: "/files/*name"}, 7, "<path:name>"},
		{"a query", routing.Rule[int]{Path: "/search?q=<q>"}, 7, "read the query from the request"},
		{"a fragment", routing.Rule[int]{Path: "/a#b"}, 2, "never reaches a server"},
		{"a bracket too many", routing.Rule[int]{Path: "/<a>>"}, 4, "no '<' before"},
		{"a method before the path", routing.Rule[int]{Path: "GET /a"}, 0, "methods stand in Methods"},
		{"bounds between which no integer is", routing.Rule[int]{Path: "/<int(min=5, max=1):a>"}, 6, "no number is between 5 and 1"},
		{"bounds between which no float is", routing.Rule[int]{Path: "/<float(min=2.5, max=1):a>"}, 8, "no number is between 2.5 and 1"},
		{"fewer digits than none", routing.Rule[int]{Path: "/<int(fixed_digits=-1):a>"}, 6, "fixed_digits is a whole number"},
		{"neither True nor False", routing.Rule[int]{Path: "/<int(signed=yes):a>"}, 6, "signed is True or False"},
		{"a regular expression over segments", routing.Rule[int]{Path: `/<regexp("[a-z]+/x"):a>`}, 9, "wants a slash"},
		{"a choice of regular expressions over segments", routing.Rule[int]{Path: `/<regexp("a/b|c/d"):a>`}, 9, "wants a slash"},
		{"a regular expression that repeats segments", routing.Rule[int]{Path: `/<regexp("(?:[a-z]/){2,3}z"):a>`}, 9, "wants a slash"},
		{"methods in one text", routing.Rule[int]{Path: "/", Methods: []string{"GET,POST"}}, -1, "a separate element"},
		{"an unknown converter", routing.Rule[int]{Path: "/<itn:a>"}, 1, `unknown converter "itn": there are any, float`},
		{"a variable twice", routing.Rule[int]{Path: "/<a>/<a>"}, 5, "twice"},
		{"an unknown argument", routing.Rule[int]{Path: "/<int(mni=2):a>"}, 6, `unknown argument "mni"`},
		{"an argument twice", routing.Rule[int]{Path: "/<int(min=2,min=3):a>"}, 12, "given twice"},
		{"a bad argument", routing.Rule[int]{Path: "/<int(min=x):a>"}, 6, `min is a whole number, not "x"`},
		{"arguments without commas", routing.Rule[int]{Path: "/<int(min=0;max=5):a>"}, 11, "commas"},
		{"arguments that are not closed", routing.Rule[int]{Path: "/<int(min=0"}, 11, "commas"},
		{"lengths that nothing has", routing.Rule[int]{Path: "/<string(minlength=3,maxlength=2):a>"}, 9, "no text has"},
		{"any without words", routing.Rule[int]{Path: "/<any():a>"}, 1, "words"},
		{"a faulty regular expression", routing.Rule[int]{Path: `/<regexp("["):a>`}, 9, "missing closing ]"},
		{"a method in lower case", routing.Rule[int]{Path: "/", Methods: []string{"get"}}, -1, `"get" is not a method: did you mean "GET"?`},
		{"a WebSocket that is posted", routing.Rule[int]{Path: "/", WebSocket: true, Methods: []string{"POST"}}, -1, "opened by GET"},
		{"a host without host matching", routing.Rule[int]{Path: "/", Host: "example.org"}, -1, "HostMatching"},
		{"a path in a host", routing.Rule[int]{Path: "/", Subdomain: "<path:p>"}, 0, "no slash"},
		{"a redirect to a variable that is not there", routing.Rule[int]{Path: "/<a>", RedirectTo: "x/<b>"}, 2, `no variable "b"`},
		{"an alias of nothing", routing.Rule[int]{Path: "/", Alias: true}, -1, "endpoint"},
		{"a default that its variable refuses", routing.Rule[int]{Path: "/<int:a>", Defaults: map[string]any{"a": "x"}}, -1, "not an integer"},
		{"a condition with an error", routing.Rule[int]{Path: "/", Condition: faulty{}}, -1, "no such scheme"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := routing.NewMap(c.rule)
			var refused *routing.RuleError
			require.ErrorAs(t, err, &refused)
			require.Equal(t, c.offset, refused.Offset, refused.Error())
			require.ErrorContains(t, err, c.says)
			require.Contains(t, err.Error(), "registration_test.go:")
			require.Panics(t, func() { routing.MustMap(c.rule) })
		})
	}
}

func TestWhatLooksLikeAMistakeIsTaken(t *testing.T) {
	for _, path := range []string{
		"/users:batch", "/a/:", "/:/a", "/*/a", "/a*b", "/a/{", "/a{}", "/{1}", `/<any("{id}", ":id", "a>b"):text>`,
		`/<regexp("[^:]+|a/b"):a>`, "/<int(min=5, max=5):a>", "/<path>", "/a.b-c~d!$&'()+,;=@",
	} {
		_, err := routing.NewMap(routing.Rule[int]{Path: path})
		require.NoError(t, err)
	}
}

func TestOptionsAreRefused(t *testing.T) {
	text := func([]routing.Argument) (routing.Converter, error) { return routing.Converter{}, nil }
	for says, options := range map[string]routing.Options{
		"http://example.org":       {ServerName: "http://example.org"},
		"localhost:8080":           {ServerName: "example..org"},
		`the converter "x" is nil`: {Converters: map[string]routing.ConverterFunc{"x": nil}},
		`the converter "x-y"`:      {Converters: map[string]routing.ConverterFunc{"x-y": text}},
	} {
		_, err := routing.NewMapWith(options, routing.Rule[int]{Path: "/"})
		require.ErrorContains(t, err, says)
	}
	_, err := routing.NewMapWith(routing.Options{ServerName: "Bücher.example:8080", Converters: map[string]routing.ConverterFunc{"x_1": text}},
		routing.Rule[int]{Path: "/<x_1:a>"})
	require.NoError(t, err)
}

func TestDuplicatesAreRefused(t *testing.T) {
	get, post := []string{"GET"}, []string{"POST"}
	for _, c := range []struct {
		name string
		a, b routing.Rule[int]
		ok   bool
	}{
		{name: "the same path", a: routing.Rule[int]{Path: "/a"}, b: routing.Rule[int]{Path: "/a"}},
		{name: "another name of a variable", a: routing.Rule[int]{Path: "/<a>"}, b: routing.Rule[int]{Path: "/<b>"}},
		{name: "all methods after some", ok: true, a: routing.Rule[int]{Path: "/", Methods: get}, b: routing.Rule[int]{Path: "/"}},
		{name: "other methods", ok: true, a: routing.Rule[int]{Path: "/", Methods: get}, b: routing.Rule[int]{Path: "/", Methods: post}},
		{name: "other bounds", ok: true, a: routing.Rule[int]{Path: "/<int(max=5):a>"}, b: routing.Rule[int]{Path: "/<int:a>"}},
		{name: "a WebSocket", ok: true, a: routing.Rule[int]{Path: "/", WebSocket: true}, b: routing.Rule[int]{Path: "/"}},
		{name: "one that only builds", ok: true, a: routing.Rule[int]{Path: "/"}, b: routing.Rule[int]{Path: "/", BuildOnly: true}},
		{name: "a condition", ok: true, a: routing.Rule[int]{Path: "/", Condition: withHeader("A", "b")}, b: routing.Rule[int]{Path: "/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := routing.NewMap(c.a, c.b)
			require.Equal(t, c.ok, err == nil, "%v", err)
			if !c.ok {
				require.Regexp(t, `registration_test.go:\d+.*registration_test.go:\d+`, err.Error())
			}
		})
	}
}

func TestRulesAreAddedWhileServing(t *testing.T) {
	urls := routing.MustMap(routing.Rule[int]{Path: "/0"})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for i := range 200 {
				_, err := urls.Bind(httptest.NewRequest("GET", "/0", nil)).Match()
				if err != nil {
					t.Errorf("match %d: %v", i, err)
				}
			}
		})
	}
	for i := range 20 {
		require.NoError(t, urls.Add(routing.Rule[int]{Path: fmt.Sprintf("/%d", i+1)}))
	}
	wait.Wait()
	require.Error(t, urls.Add(routing.Rule[int]{Path: "/new"}, routing.Rule[int]{Path: "bad"}))
	require.Equal(t, "404", matched(urls, httptest.NewRequest("GET", "/new", nil)), "all or none")
	require.Equal(t, "/20", matched(urls, httptest.NewRequest("GET", "/20", nil)))
}

func TestGroups(t *testing.T) {
	urls := routing.MustMap(
		routing.EndpointPrefix[int]("blog/",
			routing.Submount[int]("/blog/<lang>/",
				routing.Rule[int]{Path: "/", Endpoint: "index"},
				routing.Rules[int]{routing.Rule[int]{Path: "/<int:id>", Endpoint: "post"}},
			)),
		routing.Template[int](map[string]string{"name": "user"},
			routing.Rule[int]{Path: "/$name/<${name}_id>", Endpoint: "$name-$$-$other", Defaults: map[string]any{"kind": "$name", "n": 1}}),
		routing.Rule[int]{Path: "/c", BuildOnly: true, RedirectTo: "x"},
	)
	require.Equal(t, "/blog/<lang>/<int:id> lang=de id=3", matched(urls, httptest.NewRequest("GET", "/blog/de/3", nil)))
	require.True(t, urls.HasParams("blog/post", "id", "lang"))
	require.False(t, urls.HasParams("blog/post", "page"))
	require.Equal(t, `*  /blog/<lang>/          blog/index
*  /blog/<lang>/<int:id>  blog/post
*  /user/<user_id>        user-$-$other  defaults [kind:user n:1]
*  /c                                    builds only, redirects to x
`, urls.String())
	var listed []string
	for rule := range urls.All() {
		listed = append(listed, rule.String())
	}
	require.Equal(t, "* /blog/<lang>/ -> blog/index", listed[0])
	require.Len(t, listed, 4)
}

func TestMapsAsHandlers(t *testing.T) {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, text, " ", routing.ParamsOf(r).Int("id"), " ", r.Pattern)
		})
	}
	urls := routing.MustMap(
		routing.Rule[http.Handler]{Path: "/user/<int:id>", Target: says("user"), Methods: []string{"GET"}},
		routing.Rule[http.Handler]{Path: "/plain", Target: says("plain")},
		routing.Rule[http.Handler]{Path: "/nil"},
	)
	answer := func(h http.Handler, method, path string) string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != 200 {
			return fmt.Sprint(w.Code)
		}
		return w.Body.String()
	}
	require.Equal(t, "user 5 /user/<int:id>", answer(urls.Handler(), "GET", "/user/5"))
	require.Equal(t, "plain 0 /plain", answer(urls.Handler(), "GET", "/plain"))
	require.Equal(t, "404", answer(urls.Handler(), "GET", "/none"))
	require.Equal(t, "500", answer(urls.Handler(), "GET", "/nil"))
	old := urls.Fallback(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "old") }))
	require.Equal(t, "old", answer(old, "GET", "/none"))
	require.Equal(t, "405", answer(old, "POST", "/user/5"))
}

// faulty is a condition that no rule can have.
type faulty struct{}

func (faulty) Match(*http.Request) (map[string]string, bool) { return nil, true }
func (faulty) Err() error                                    { return errors.New("no such scheme") }

func withHeader(name, value string) routing.Condition {
	return routing.ConditionFunc(func(r *http.Request) bool { return r.Header.Get(name) == value })
}

func TestRulesNameThePlaceTheyWereWrittenAt(t *testing.T) {
	_, err := routing.NewMap(
		routing.Rule[int]{Path: "/<int:"}.WrittenAt("shop.go:12"),
		routing.Rule[int]{Path: "no slash"},
	)
	require.ErrorContains(t, err, `(shop.go:12)`)
	require.ErrorContains(t, err, "registration_test.go:")
}
