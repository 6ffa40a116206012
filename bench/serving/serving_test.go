package main

import (
	"testing"
)

func BenchmarkServing(b *testing.B) {
	for _, s := range subjects() {
		b.Run(s.Case+"/"+s.Peer, func(b *testing.B) {
			b.ReportAllocs()
			s.Run(b.N)
		})
	}
}
