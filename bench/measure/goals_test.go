package measure

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/bench"
)

func TestGoals(t *testing.T) {
	got, err := goals("# a comment\n\nrecover | 2.5 | 1 | 1.2\na, b | - | 0 | -\nc | 1 of d, e | - | 3\n")
	require.NoError(t, err)
	require.Equal(t, map[string]goal{
		"recover": {ratio: 2.5, allocations: 1, instructions: 1.2}, "a, b": {}, "c": {ratio: 1, peer: "d, e", allocations: -1, instructions: 3},
	}, got)
	for _, text := range []string{"recover", "recover | of a | 1 | 1", "recover | 2 | 1", "recover | x | 1 | 1", "recover | 2 | x | 1", "recover | 2 | 1 | x", "a | 1 | 1 | 1\na | 1 | 1 | 1"} {
		_, err := goals(text)
		require.Error(t, err, text)
	}
	_, err = goals(bench.Goals)
	require.NoError(t, err)
}

func TestSettingsChooseWhatRuns(t *testing.T) {
	runs := 0
	Settings{Rounds: 1, Slice: 1}.Run([]Subject{{Case: "c", Peer: "p", Run: func(n int) { runs += n }}})
	require.Positive(t, runs)
	exact := 0
	require.Empty(t, Settings{Exactly: 7, Peers: []string{"p"}, Only: "c"}.Run([]Subject{
		{Case: "a c", Peer: "p", Run: func(n int) { exact += n }},
		{Case: "c", Peer: "q", Run: func(int) { t.Error("this column was not asked for") }},
		{Case: "d", Peer: "p", Run: func(int) { t.Error("this case was not asked for") }},
	}))
	require.Equal(t, 7, exact)
}

func TestABusyTimingIsMadeAgain(t *testing.T) {
	// Each subject gives its timings in turn.
	turns := func(peer string, list ...Timing) Subject {
		return Subject{Case: "c", Peer: peer, Attempt: func() (t Timing, err error) {
			t, list = list[0], list[1:]
			if t.Nanoseconds < 0 {
				return t, errors.New("it failed")
			}
			return t, nil
		}}
	}
	at, busy, failed := func(ns float64) Timing { return Timing{Nanoseconds: ns, Processor: ns / 2} }, Timing{Nanoseconds: 900, Busy: true}, Timing{Nanoseconds: -1}
	got := Settings{Rounds: 9}.Run([]Subject{
		turns("zeug", at(1), busy, busy, at(2), at(3)),
		turns("a", busy, busy, busy, at(5), failed),
		turns("b", busy, busy, busy, busy, busy, busy, busy, busy, busy),
	})
	require.Equal(t, []Timing{at(1), at(2), at(3)}, got[0].Rounds)
	require.Equal(t, []float64{2, 1}, []float64{got[0].Nanoseconds, got[0].Processor})
	require.Equal(t, []Timing{busy, at(5), {}}, got[1].Rounds)
	require.EqualValues(t, 5, got[1].Nanoseconds)
	require.Equal(t, []Timing{busy, busy, busy}, got[2].Rounds)
	require.EqualValues(t, 900, got[2].Nanoseconds, "the table still has a figure")
}

func TestMediansOfTurns(t *testing.T) {
	turn := func(peer string, n float64, ns ...float64) Result {
		r := Result{Subject: Subject{Case: "c", Peer: peer}, Instructions: n, Allocations: 2}
		for _, ns := range ns {
			r.Rounds = append(r.Rounds, Timing{Nanoseconds: ns})
		}
		return r
	}
	old := turn(LastRelease, 0)
	old.Nanoseconds = 5 // without rounds
	got := Medians([]Result{turn("zeug", 8, 10, 20), old, turn("zeug", 7, 90), turn("zeug", 6, 30, 40), old})
	zeug, before := turn("zeug", 7, 10, 20, 90, 30, 40), turn(LastRelease, 0, 5, 5)
	zeug.Nanoseconds, before.Nanoseconds = 30, 5
	require.Equal(t, []Result{zeug, before}, got)
}
