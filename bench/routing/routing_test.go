package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

func BenchmarkMatch(b *testing.B) { measure.Bench(b, subjects()) }
