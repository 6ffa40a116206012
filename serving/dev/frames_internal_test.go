package dev

import (
	"errors"
	"os"
	"path/filepath"
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

func TestNoCoreIsKeptIfTheCollectorRan(t *testing.T) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	}()
	defer func() { close(stop); <-ended }()
	for range 10 {
		// Its turn comes at once, so only a collection that ends later can be the reason.
		coreTurn <- struct{}{}
		<-coreTurn
		path := filepath.Join(t.TempDir(), "core")
		_, err := writeCore(path)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip("cores are written on Linux, on amd64 and arm64")
		}
		if err == nil {
			require.NoError(t, os.Remove(path))
			continue // no collection ended meanwhile
		}
		require.ErrorIs(t, err, errCollected)
		require.NoFileExists(t, path)
		return
	}
	require.Fail(t, "a collection went by unseen ten times")
}
