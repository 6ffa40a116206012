package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

func BenchmarkApp(b *testing.B) { measure.Bench(b, subjects()) }

// TestAnAppAllocatesNoMore holds an App to the allocations of a dispatch by hand.
func TestAnAppAllocatesNoMore(t *testing.T) {
	count := map[string]float64{}
	for _, s := range subjects() {
		const n = 100
		count[s.Case+"/"+s.Peer] = testing.AllocsPerRun(5, func() { s.Run(n) }) / n
	}
	t.Log(count)
	for _, c := range []string{"no variable", "one variable"} {
		if more := count[c+"/App"] - count[c+"/by hand"]; more > 0.1 {
			t.Errorf("%s: an App allocates %v times more often than a dispatch by hand", c, more)
		}
	}
}
