//go:build linux || darwin

package reload

import (
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestASupervisorThatStartsKeepsItsFolder(t *testing.T) {
	temp := t.TempDir()
	stop := make(chan struct{})
	var others sync.WaitGroup
	defer others.Wait()
	defer close(stop)
	for range 2 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					removeStale(temp)
				}
			}
		})
	}
	for range Rounds(50, 200) {
		folder, err := os.MkdirTemp(temp, folderPrefix)
		require.NoError(t, err)
		lock := lockFolder(folder)
		require.DirExists(t, folder)
		removeStale(temp)
		require.DirExists(t, folder)
		require.NoError(t, os.RemoveAll(folder))
		require.NoError(t, lock.Close())
	}
}

func TestTheFolderOfASupervisorThatDiedIsRemoved(t *testing.T) {
	temp := t.TempDir()
	folder, err := os.MkdirTemp(temp, folderPrefix)
	require.NoError(t, err)
	require.NoError(t, lockFolder(folder).Close())
	removeStale(temp)
	require.NoDirExists(t, folder)
}
