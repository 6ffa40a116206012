package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

// TestAllocationsOfAHello allows a View and a Response three allocations more than a bare handler.
func TestAllocationsOfAHello(t *testing.T) {
	count := map[string]float64{}
	for _, s := range hello() {
		count[s.Peer] = perRequest(s)
	}
	t.Log(count)
	if more := count[zeug] - count[std]; more > 3 {
		t.Errorf("a view allocates %v times more than a bare handler", more)
	}
}

// perRequest counts the allocations of a request, without the connection's.
func perRequest(s measure.Subject) float64 {
	const n = 1000
	one := testing.AllocsPerRun(3, func() { s.Run(1) })
	return (testing.AllocsPerRun(3, func() { s.Run(n + 1) }) - one) / n
}
