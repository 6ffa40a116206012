package routing_test

import (
	"math/rand/v2"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

// FuzzShortCuts holds that the short cuts of a match change nothing: a Map that
// also has a WebSocket looks at more of the request, and so takes none of them.
func FuzzShortCuts(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := &random{Rand: rand.New(rand.NewPCG(seed, 2))}
		options := routing.Options{LooseSlashes: d.one(4), KeepSlashes: d.one(4), KeepDefaults: d.one(4)}
		list := routing.Rules[int]{}
		short, err := routing.NewMapWith[int](options)
		require.NoError(t, err)
		for range 1 + d.IntN(14) {
			rule := d.rule(len(list))
			if short.Add(rule) == nil { // it is no duplicate
				list = append(list, rule)
			}
		}
		long, err := routing.NewMapWith(options, append(list[:len(list):len(list)], routing.Rule[int]{Path: "/a/socket", WebSocket: true})...)
		require.NoError(t, err)
		for range 60 {
			method, path := d.of("GET", "GET", "POST", "PUT"), d.path()
			require.Equal(t, matched(long, httptest.NewRequest(method, path, nil)), matched(short, httptest.NewRequest(method, path, nil)),
				"%s %s\n%s", method, path, short)
		}
	})
}

// pieces are segments of rules, with the number of the segment for "$".
var pieces = []string{"a", "b", "items", "a", "b", "<v$>", "<int:v$>", "<int(max=5):v$>", "<path:v$>", "x<v$>", "<v$>.json", "<v$>-<w$>", "", "ü", "<any(a,b):v$>"}

// rule draws a rule whose target is the number given.
func (d *random) rule(n int) routing.Rule[int] {
	r := routing.Rule[int]{Target: n, Endpoint: d.of("", "e", "f")}
	for i := range 1 + d.IntN(4) {
		r.Path += "/" + strings.ReplaceAll(d.of(pieces...), "$", strconv.Itoa(i))
	}
	if d.one(3) {
		r.Path += "/"
	}
	if d.one(3) {
		r.Methods = []string{d.of("GET", "POST")}
	}
	switch {
	case d.one(10):
		r.Defaults = map[string]any{"v0": d.of("a", "b", "1")}
	case d.one(10):
		r.RedirectTo = "/elsewhere"
	case d.one(10):
		r.Endpoint, r.Alias = "e", true
	case d.one(10):
		r.BuildOnly = true
	}
	return r
}

// path draws a path that such rules might match.
func (d *random) path() string {
	var b strings.Builder
	for range 1 + d.IntN(4) {
		b.WriteString("/" + d.of("a", "b", "items", "1", "42", "a-b", "xa", "c.json", "", "a%2Fb", "%C3%BC", "%61"))
	}
	if d.one(3) {
		b.WriteString("/")
	}
	return b.String()
}
