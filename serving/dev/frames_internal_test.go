package dev

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCoresAreWrittenInTurn(t *testing.T) {
	require.NoError(t, takeTurn(time.Minute))
	t.Cleanup(func() { <-coreTurn })
	require.ErrorIs(t, takeTurn(0), errBusy)

	waits := make(chan error)
	for range 1000 {
		go func() { waits <- takeTurn(time.Minute) }()
		runtime.Gosched()
		runtime.GC()
		<-coreTurn
		err := <-waits
		if err == nil {
			continue // it began to wait only after the collection, and has got its turn
		}
		require.ErrorIs(t, err, errCollected)
		coreTurn <- struct{}{}
		return
	}
	require.Fail(t, "a collection went by unseen a thousand times")
}
