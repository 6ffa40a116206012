package main

import (
	"testing"

	"github.com/zeugkit/zeug/bench/measure"
)

func BenchmarkGateway(b *testing.B) { measure.Bench(b, subjects(b.TempDir())) }
