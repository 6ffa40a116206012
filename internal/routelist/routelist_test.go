package routelist_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/routelist"
)

type table struct{ paths []string }

func rules(t *table) (list []routelist.Route) {
	for _, path := range t.paths {
		list = append(list, routelist.Route{Path: path})
	}
	return list
}

func TestMapsAreKnownAsLongAsTheyAre(t *testing.T) {
	kept := &table{[]string{"/kept", "/also"}}
	routelist.Add(kept, rules)
	for range 1000 {
		routelist.Add(&table{[]string{"/gone"}}, rules)
	}
	last := &table{[]string{"/last"}}
	require.Eventually(t, func() bool {
		runtime.GC()
		for _, r := range routelist.All() {
			if r.Path == "/gone" {
				return false
			}
		}
		return true
	}, 10e9, 1e6)
	routelist.Add(last, rules)
	require.Equal(t, []routelist.Route{{Map: 1, Path: "/kept"}, {Map: 1, Path: "/also"}, {Map: 2, Path: "/last"}}, routelist.All())
	runtime.KeepAlive(kept)
	runtime.KeepAlive(last)
}
