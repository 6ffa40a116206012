package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/bench/measure"
)

func TestResultsAreRead(t *testing.T) {
	results, err := read(`{"Case":"304","Peer":"zeug","Form":"per second","Rounds":[{"Nanoseconds":9,"Processor":5,"Busy":true}],"Nanoseconds":9}` + "\n" +
		`{"Case":"304","Peer":"nginx","Time":8,"Nanoseconds":8.5}` + "\n") // of an older program
	require.NoError(t, err)
	require.Equal(t, []measure.Result{
		{Subject: measure.Subject{Case: "304", Peer: "zeug", Form: measure.PerSecond}, Rounds: []measure.Timing{{Nanoseconds: 9, Processor: 5, Busy: true}}, Nanoseconds: 9},
		{Subject: measure.Subject{Case: "304", Peer: "nginx"}, Nanoseconds: 8.5},
	}, results)
	_, err = read("| 304 | 9 |\n")
	require.EqualError(t, err, `it printed "| 304 | 9 |" instead of a line of JSON`)
	_, err = read("")
	require.Error(t, err)
}
