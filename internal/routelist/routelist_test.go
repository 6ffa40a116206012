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
	last, without := &table{[]string{"/last"}}, &table{}
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
	routelist.Add(without, rules)
	for _, m := range []*table{kept, without} { // what answers beside a map follows its rules
		routelist.Append(m, []routelist.Route{{Path: "/static"}})
	}
	require.Equal(t, []routelist.Route{{Map: 1, Path: "/kept"}, {Map: 1, Path: "/also"}, {Map: 1, Path: "/static"}, {Map: 2, Path: "/last"}, {Map: 3, Path: "/static"}}, routelist.All())
	runtime.KeepAlive(kept)
	runtime.KeepAlive(last)
	runtime.KeepAlive(without)
}
