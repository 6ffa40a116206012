package reload

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The table in the comment of state.
func TestWhatEventsDoInEachState(t *testing.T) {
	const none = state(-1)
	for from, want := range map[state]map[event]state{
		idle:      {changed: settling, settled: none, ended: none, keptDead: none, died: trying},
		settling:  {changed: settling, settled: trying, ended: none, keptDead: none, died: settling},
		trying:    {changed: overtaken, settled: none, ended: idle, keptDead: trying, died: trying},
		overtaken: {changed: overtaken, settled: trying, ended: settling, keptDead: settling, died: overtaken},
	} {
		for e, to := range want {
			next, ok := steps[from][e]
			require.Equal(t, to != none, ok, "state %d, event %d", from, e)
			if ok {
				require.Equal(t, to, next.next, "state %d, event %d", from, e)
			}
		}
		c := cycle{state: from}
		require.Equal(t, from == trying || from == overtaken, c.isTrying())
		require.Equal(t, from == settling || from == overtaken, c.isChanging())
	}
}

func TestEventsWithoutMeaningChangeNothing(t *testing.T) {
	for _, e := range []event{settled, ended, keptDead} {
		c := cycle{state: idle}
		c.step(e)
		require.Equal(t, idle, c.state)
	}
	c := cycle{state: settling}
	c.step(died)
	require.Equal(t, settling, c.state)
}
