package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

func BenchmarkHeaders(b *testing.B) { measure.Bench(b, subjects()) }
