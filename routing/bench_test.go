package routing_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zeugkit/zeug/routing"
)

// The comparison with other routers is in bench/routing.

type action func(http.ResponseWriter, *http.Request, routing.Params)

var sink int

func BenchmarkMatch(b *testing.B) {
	text := func(name string) action {
		return func(_ http.ResponseWriter, _ *http.Request, params routing.Params) { sink += len(params.String(name)) }
	}
	urls := routing.MustMap(
		routing.Rule[action]{Path: "/", Target: text("")},
		routing.Rule[action]{Path: "/hello", Target: text("")},
		routing.Rule[action]{Path: "/name/<name>", Target: text("name")},
		routing.Rule[action]{Path: "/user/<int:id>", Target: func(_ http.ResponseWriter, _ *http.Request, params routing.Params) { sink += params.Int("id") }},
		routing.Rule[action]{Path: "/five/<a>/<b>/<c>/<d>/<e>", Target: text("e")},
		routing.Rule[action]{Path: "/version/v<int:major>.<int:minor>", Target: text("minor")},
		routing.Rule[action]{Path: "/files/<path:file>/edit", Target: text("file")},
	)
	for _, c := range []struct{ name, path string }{
		{"index", "/"},
		{"static", "/hello"},
		{"text", "/name/gordon"},
		{"int", "/user/12345"},
		{"five", "/five/test1/test2/test3/test4/test5"},
		{"two in a segment", "/version/v12.7"},
		{"path", "/files/a/b/c/edit"},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				match, err := urls.Bind(r).Match()
				if err != nil {
					b.Fatal(err)
				}
				match.Target(nil, r, match.Params)
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	urls := routing.MustMap(
		routing.Rule[int]{Path: "/user/<int:id>", Endpoint: "user"},
		routing.Rule[int]{Path: "/<a>/<int:b>/<c>", Endpoint: "three"},
	)
	r := httptest.NewRequest("GET", "/", nil)
	id, name := 12345, r.Host
	b.Run("one value", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			urls.Bind(r).Build("user", routing.With("id", id))
		}
	})
	b.Run("three values", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			urls.Bind(r).Build("three", routing.With("a", name), routing.With("b", id), routing.With("c", name))
		}
	})
}

// BenchmarkWorstPaths has paths that force a matcher to backtrack. The time for
// each must not grow faster than the path.
func BenchmarkWorstPaths(b *testing.B) {
	rules := routing.Rules[int]{
		routing.Rule[int]{Path: "/two/<a>-<b>"},
		routing.Rule[int]{Path: "/four/<a>-<b>-<c>-<int:d>x"},
		routing.Rule[int]{Path: "/middle/<path:a>/e/<path:b>/e/<path:c>/end"},
		routing.Rule[int]{Path: "/words/<any(a,aa,aaa):a><any(a,aa,aaa):b><any(a,aa,aaa):c>x"},
		routing.Rule[int]{Path: "/<a>/<b>/<c>/x"},
		routing.Rule[int]{Path: "/<a>/<b>/<c>/<d>/y"},
		routing.Rule[int]{Path: "/<int:a>/<path:b>/z"},
		routing.Rule[int]{Path: "/<path:b>/w"},
		routing.Rule[int]{Path: `/like/<regexp("(a|b)+"):a>-<regexp("(a|b)+"):b>`},
	}
	// Each segment may be a literal or a variable, and no path through the tree matches in the end.
	for ways := range 1 << 8 {
		path := "/ways"
		for i := range 8 {
			if ways>>i&1 == 0 {
				path += "/a"
			} else {
				path += fmt.Sprintf("/<v%d>", i)
			}
		}
		rules = append(rules, routing.Rule[int]{Path: path + "/end"})
	}
	urls := routing.MustMap[int](rules)
	for _, c := range []struct{ name, start, repeated, end string }{
		{"slashes", "/", "//", ""},
		{"two variables", "/two/", "-", ""},
		{"four variables", "/four/", "-a", "x"},
		{"paths in the middle", "/middle", "/e", "\n/end"},
		{"words", "/words/", "a", "x"},
		{"a regular expression", "/like/", "ab", "-"},
		{"a long segment", "/5/", "x", "/z"},
		{"every way", "/ways", "/a", ""},
		{"deep", "/", "a/", ""},
	} {
		for _, size := range []int{100, 1000, 10_000} {
			r := httptest.NewRequest("GET", "/", nil)
			r.URL.Path = c.start + strings.Repeat(c.repeated, size/len(c.repeated)) + c.end
			b.Run(fmt.Sprintf("%s/%d", c.name, size), func(b *testing.B) {
				for b.Loop() {
					_, _ = urls.Bind(r).Match()
				}
			})
		}
	}
}

// BenchmarkNewMap makes a Map of 10,000 rules with a variable in the middle.
func BenchmarkNewMap(b *testing.B) {
	rules := make(routing.Rules[int], 10_000)
	for i := range rules {
		rules[i] = routing.Rule[int]{
			Path: fmt.Sprintf("/section%d/<int:id>/page%d", i, i%7), Endpoint: fmt.Sprintf("section%d", i), Methods: []string{"GET"},
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := routing.NewMap[int](rules); err != nil {
			b.Fatal(err)
		}
	}
}
