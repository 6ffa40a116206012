package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

func BenchmarkTemplates(b *testing.B) { measure.Bench(b, subjects()) }
