package routing_test

import (
	"math/rand/v2"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/routing"
)

// FuzzShortCuts checks that the fast paths of a match change nothing: a Map that also has a
// WebSocket must check more of the request, so it never uses them.
func FuzzShortCuts(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		d := &random{rand.New(rand.NewPCG(seed, 2))}
		options := routing.Options{StrictSlashes: d.off(4), MergeSlashes: d.off(4), KeepDefaults: d.one(4), Converters: converters}
		list := routing.Rules[int]{}
		short, err := routing.NewMapWith[int](options)
		require.NoError(t, err)
		for range 1 + d.IntN(14) {
			rule := d.rule(len(list))
			if short.Add(rule) == nil { // no duplicate
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
