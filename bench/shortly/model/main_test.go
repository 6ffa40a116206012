package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheModelsOfPopularity(t *testing.T) {
	for name, c := range map[string]struct {
		popularity func(func(p, count float64) bool)
		links      float64
	}{
		"uniform":           {uniform(1000), 1000},
		"Zipf":              {zipf(1000, 1), 1000},
		"Zipf of ten links": {zipf(10, 1), 10},
	} {
		t.Run(name, func(t *testing.T) {
			all := 0.0
			c.popularity(func(p, count float64) bool { all += p * count; return true })
			require.InDelta(t, 1, all, 1e-9, "probabilities add up to one")
			require.InDelta(t, 1, hits(c.popularity, c.links), 1e-9, "a cache of all links answers everything")
			require.InDelta(t, 1, distinct(c.popularity, 1), 1e-6, "one request asks for one link")
			require.InDelta(t, c.links, distinct(c.popularity, 1e9), 1e-3, "many ask for all")
		})
	}
	require.InDelta(t, 0.5, hits(uniform(1000), 500), 1e-9)
	// The first ten of a thousand by Zipf's law: the harmonic numbers of 10 and of 1,000.
	require.InDelta(t, 2.9290/7.4855, hits(zipf(1000, 1), 10), 0.01)
	// The birthday problem: 365 draws of 365 days.
	require.InDelta(t, 365*(1-math.Pow(364./365, 365)), distinct(uniform(365), 365), 1e-6)
}
