package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

func BenchmarkWrappers(b *testing.B) { measure.Bench(b, append(subjects(), streams()...)) }

// TestSubjectsDoTheirWork runs every subject once: each panics if it does not read the data that
// was sent.
func TestSubjectsDoTheirWork(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.Case+"/"+s.Peer, func(*testing.T) { s.Run(2) })
	}
}
