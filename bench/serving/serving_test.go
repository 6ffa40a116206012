package main

import (
	"testing"
)

func BenchmarkServing(b *testing.B) {
	list, err := subjects(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	for _, s := range list {
		b.Run(s.Case+"/"+s.Peer, func(b *testing.B) {
			b.ReportAllocs()
			s.Run(b.N)
		})
	}
}
