package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

func BenchmarkMiddleware(b *testing.B) { measure.Bench(b, subjects()) }
