package waits

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnlyTheLongestAreListed(t *testing.T) {
	var list []Wait
	for i := range maxListed + 10 {
		w := Wait{Sum: Sum{2, time.Duration(i+1) * time.Millisecond}}
		if i%2 == 0 {
			w.Goroutine.Function = "main.fetch"
		}
		list = append(list, w)
	}
	listed, others := longest(list)
	require.Len(t, listed, maxListed)
	require.Equal(t, (maxListed+10)*time.Millisecond, listed[0].Time)
	require.Equal(t, 11*time.Millisecond, listed[maxListed-1].Time)
	require.Equal(t, Sum{10, 30 * time.Millisecond}, others, "2, 4, 6, 8 and 10 ms are the request's own")
	listed, others = longest(listed)
	require.Len(t, listed, maxListed)
	require.Zero(t, others)
}
