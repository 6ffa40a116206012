package measure

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// result has the times of rounds: 0 is a round that failed, and a negative time is one that was busy.
func result(name, peer string, rounds ...float64) Result {
	r := Result{Subject: Subject{Case: name, Peer: peer}}
	for _, ns := range rounds {
		r.Rounds = append(r.Rounds, Timing{Nanoseconds: max(ns, -ns), Busy: ns < 0})
	}
	r.summarize()
	return r
}

func TestRatios(t *testing.T) {
	for _, c := range []struct {
		name      string
		own, peer []float64
		cell      string
	}{
		{"one round", []float64{3}, []float64{2}, "1.50"},
		{"the median of the rounds' ratios", []float64{10, 60, 30, 10, 12}, []float64{10, 50, 10, 20, 10}, "1.20 (1.00–1.20)"},
		{"a busy round does not count", []float64{10, -90, 30}, []float64{10, 10, 30}, "1.00 (1.00–1.00), busy 1/3"},
		{"a round in which the peer failed does not count", []float64{10, 10, 0}, []float64{10, 10, 30}, "1.00 (1.00–1.00), failed 1/3"},
		{"different rounds", []float64{-1, 10, 10, 10}, []float64{10, -1, 10, 10}, "1.00 (1.00–1.00), busy 2/4"},
		{"most were busy", []float64{-1, 10, 10}, []float64{10, -1, 10}, "busy"},
		{"all failed", []float64{0, 0}, []float64{10, 10}, "failed"},
	} {
		rows := Time.rows([]Result{result("c", "zeug", c.own...), result("c", "a", c.peer...)}, nil)
		require.Equal(t, c.cell, rows[0].ratioCell(), c.name)
	}
}

func TestThePeerOfARatio(t *testing.T) {
	results := []Result{
		result("c", "zeug", 10), result("c", "zeug, another way", 1), result("c", LastRelease, 1), result("c", "a", 40), result("c", "b", 20), result("c", "broken", 0),
		result("alone", "zeug", 10), result("alone", LastRelease, 10),
		result("others", "a", 10), result("others", "b", 10),
	}
	cells := func(goals map[string]goal) (list []string) {
		for _, r := range Time.rows(results, goals) {
			list = append(list, r.ratioCell())
		}
		return list
	}
	require.Equal(t, []string{"0.50", "–", "–"}, cells(nil))
	require.Equal(t, []string{"0.25 of a", "–", "–"}, cells(map[string]goal{"c": {ratio: 1, peer: "a"}, "alone": {ratio: 1, peer: "a"}}))
}

func TestRowsBehindTheirGoal(t *testing.T) {
	results := []Result{
		result("slow", "zeug", 250), result("slow", "a", 100), result("slow", "b", 200),
		result("within a tenth", "zeug", 109), result("within a tenth", "a", 100),
		result("without a goal", "zeug", 900), result("without a goal", "a", 100),
		result("alone", "zeug", 900),
		result("before", "zeug", 100), result("before", LastRelease, 10),
		result("slower than b", "zeug", 250), result("slower than b", "a", 100), result("slower than b", "b", 200),
		result("b is missing", "zeug", 10), result("b is missing", "a", 100),
		result("busy", "zeug", -900, -900, 10), result("busy", "a", 10, 10, 10),
		result("failed", "zeug", 0, 0, 10), result("failed", "a", 10, 10, 10),
	}
	all := map[string]goal{
		"slow": {ratio: 2}, "within a tenth": {ratio: 1}, "alone": {ratio: 1}, "before": {ratio: 1},
		"slower than b": {ratio: 1, peer: "b"}, "b is missing": {ratio: 1, peer: "b"}, "busy": {ratio: 1}, "failed": {ratio: 1},
	}
	require.Equal(t, []string{
		"slow: 2.50 times the time of the best peer, and the goal is 2.00",
		"slower than b: 1.25 times the time of b, and the goal is 1.00",
		"b is missing: the goal is a ratio to b, which was not measured",
		"busy: the machine was busy in 2 of 3 rounds, so the goal was not checked; run it again on a quiet machine",
		"failed: it failed in 2 of 3 rounds, for the reason above",
	}, Time.behind(Time.rows(results, all), all))
	require.Empty(t, Time.behind(nil, all))

	counted := func(peer string, n float64) Result {
		return Result{Subject: Subject{Case: "slow", Peer: peer}, Nanoseconds: 900, Instructions: n}
	}
	all = map[string]goal{"slow": {instructions: 1.1, ratio: 1, peer: "b"}}
	require.Equal(t, []string{"slow: 1.21 times the instructions of the best peer, and the goal is 1.10"},
		Count.behind(Count.rows([]Result{counted("zeug", 1211), counted("a", 1000), counted("b", 2000)}, all), all))
	require.Empty(t, Count.behind(Count.rows([]Result{counted("zeug", 1209), counted("a", 1000)}, all), all))
}

func TestTable(t *testing.T) {
	rate := result("c", "zeug", 2e6)
	rate.Form, rate.Processor = PerSecond, 19_900
	slow := result("c", "a", 4e6)
	slow.Form, slow.Processor = PerSecond, 900
	memory, clock := result("d", "zeug", 19_097), result("d", "a", 19_097)
	memory.Form, clock.Form = Bytes, Clock
	var text strings.Builder
	_, err := Time.Table(&text, []Result{rate, slow, memory, clock, result("e", "zeug", 12), result("f", "zeug", 0)})
	require.NoError(t, err)
	require.Equal(t, strings.Join([]string{
		"| | zeug | a | ratio |", "|---|---|---|---|",
		"| c | 500/s (19.9 µs) | 250/s (900) | 0.50 |",
		"| d | 19100 B | 19.1 µs | 1.00 |",
		"| e | 12 (0) | – | – |",
		"| f | failed | – | – |", "",
	}, "\n"), text.String())
}

func TestSignificant(t *testing.T) {
	for want, x := range map[string]float64{"63800": 63_812, "160": 160.4, "66.2": 66.21, "5.96": 5.961, "0.5": 0.5} {
		require.Equal(t, strings.TrimRight(significant(x), "0"), strings.TrimRight(want, "0"))
	}
}
