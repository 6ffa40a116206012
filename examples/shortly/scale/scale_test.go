//go:build unix

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestShortlyAtScale is the run of the command, small.
func TestShortlyAtScale(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a balancer, a cluster and several processes")
	}
	r, err := Run(t.Context(), Config{Processes: 3, Rate: 100, Links: 60, Warm: 300 * time.Millisecond, Longest: 5 * time.Minute, Log: t.Logf})
	require.NotNil(t, r, "%v", err)
	var table strings.Builder
	r.write(&table)
	t.Log("\n" + table.String())
	require.NoError(t, err)
	require.Zero(t, r.LinksLost)
	require.Zero(t, r.Wrong)
	require.Len(t, r.Balance, 3, "every instance answers")
	require.Len(t, r.events, 4)
}

func TestConfigIsBounded(t *testing.T) {
	fine := Config{Processes: 2, Rate: 1, Links: 10, Longest: time.Second}
	require.NoError(t, fine.check())
	for name, change := range map[string]func(*Config){
		"one process":     func(c *Config) { c.Processes = 1 },
		"no rate":         func(c *Config) { c.Rate = 0 },
		"a huge rate":     func(c *Config) { c.Rate = 1_000_000 },
		"too few links":   func(c *Config) { c.Links = 1 },
		"too many links":  func(c *Config) { c.Links = 1000 },
		"a negative time": func(c *Config) { c.Warm = -1 },
		"no end":          func(c *Config) { c.Longest = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			c := fine
			change(&c)
			require.Error(t, c.check())
		})
	}
}

func TestSummary(t *testing.T) {
	seen := []observation{
		{at: 0, took: time.Millisecond, kind: "follow", outcome: "ok", id: "1", instance: "a"},
		{at: time.Second, took: 3 * time.Millisecond, kind: "follow", outcome: "ok", id: "1", instance: "b"},
		{at: 5 * time.Second, took: time.Millisecond, kind: "follow", outcome: "ok", id: "2", instance: "a"},
		{at: 5 * time.Second, took: time.Millisecond, kind: "follow", outcome: "wrong redirect", id: "2", instance: "a"},
		{at: 6 * time.Second, took: time.Millisecond, kind: "create", outcome: "503", instance: "a"},
	}
	var r Report
	r.summarize(seen, []event{{at: 1500 * time.Millisecond, instance: "b", lossy: true}}, map[string]int{"1": 1, "2": 3})
	require.Equal(t, 5, r.Requests)
	require.Equal(t, map[string]int{"follow: wrong redirect": 1, "create: 503": 1}, r.Failures)
	require.Equal(t, map[string]int{"a": 4, "b": 1}, r.Balance)
	require.Equal(t, 1, r.SlowSecond)
	require.Equal(t, 1, r.Wrong)
	require.Equal(t, 1, r.ClicksLost)
	require.Equal(t, 2, r.ClicksTwice)
	require.Equal(t, 1, r.Bound)
	require.ErrorContains(t, r.check(), "another URL")
}
