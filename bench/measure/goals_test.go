package measure

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/bench"
)

func TestGoals(t *testing.T) {
	got, err := goals("# a comment\n\nrecover | 2.5 | 1 | 1.2\na, b | - | 0 | -\nc | 1 | - | 3\n")
	require.NoError(t, err)
	require.Equal(t, map[string]goal{"recover": {2.5, 1, 1.2}, "a, b": {0, 0, 0}, "c": {1, -1, 3}}, got)
	for _, text := range []string{"recover", "recover | 2 | 1", "recover | x | 1 | 1", "recover | 2 | x | 1", "recover | 2 | 1 | x", "a | 1 | 1 | 1\na | 1 | 1 | 1"} {
		_, err := goals(text)
		require.Error(t, err, text)
	}
	_, err = goals(bench.Goals)
	require.NoError(t, err)
}

func TestRowsBehindTheirGoal(t *testing.T) {
	row := func(c, peer string, ns float64) Result {
		return Result{Subject: Subject{Case: c, Peer: peer}, Nanoseconds: ns}
	}
	results := []Result{
		row("slow", "zeug", 250), row("slow", "a", 100), row("slow", "b", 200),
		row("within a tenth", "zeug", 109), row("within a tenth", "a", 100),
		row("without a goal", "zeug", 900), row("without a goal", "a", 100),
		row("alone", "zeug", 900),
		row("before", "zeug", 100), row("before", LastRelease, 10),
	}
	all := map[string]goal{"slow": {ratio: 2}, "within a tenth": {ratio: 1}, "alone": {ratio: 1}, "before": {ratio: 1}}
	require.Equal(t, []string{"slow: 2.50 times the time of the best peer, and the goal is 2.00"}, Time.behind(results, all))
	require.Empty(t, Time.behind(nil, all))
	counted := func(peer string, n float64) Result {
		return Result{Subject: Subject{Case: "slow", Peer: peer}, Nanoseconds: 1, Instructions: n}
	}
	require.Equal(t, []string{"slow: 1.21 times the instructions of the best peer, and the goal is 1.10"},
		Count.behind([]Result{counted("zeug", 1211), counted("a", 1000)}, map[string]goal{"slow": {instructions: 1.1}}))
	require.Empty(t, Count.behind([]Result{counted("zeug", 1209), counted("a", 1000)}, map[string]goal{"slow": {instructions: 1.1}}))
}

func TestSettingsChooseWhatRuns(t *testing.T) {
	runs := 0
	Settings{Rounds: 1, Slice: 1}.Run([]Subject{{Case: "c", Peer: "p", Run: func(n int) { runs += n }}})
	require.Positive(t, runs)
	exact := 0
	require.Empty(t, Settings{Exactly: 7, Peer: "p"}.Run([]Subject{
		{Case: "c", Peer: "p", Run: func(n int) { exact += n }},
		{Case: "c", Peer: "q", Run: func(int) { t.Error("this column was not asked for") }},
	}))
	require.Equal(t, 7, exact)
}

func TestMediansOfTurns(t *testing.T) {
	turn := func(peer string, ns, n float64) Result {
		return Result{Subject: Subject{Case: "c", Peer: peer}, Nanoseconds: ns, Time: time.Duration(ns), Instructions: n, Allocations: 2}
	}
	require.Equal(t, []Result{turn("zeug", 20, 7), turn(LastRelease, 5, 0)}, Medians([]Result{
		turn("zeug", 10, 8), turn(LastRelease, 5, 0), turn("zeug", 90, 7), turn("zeug", 20, 6),
	}))
}
