package pidfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTakeReplacesWhatNobodyHolds(t *testing.T) {
	own := strconv.Itoa(os.Getpid()) + "\n"
	for name, before := range map[string]string{
		"no file": "", "a file of a process that was killed": "4194305\n", "a file of something else": "junk",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pid")
			if before != "" {
				require.NoError(t, os.WriteFile(file, []byte(before), 0o600))
			}
			require.NoError(t, Check(file))
			f, err := Take(file)
			require.NoError(t, err)
			now, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, own, string(now))
			info, err := os.Stat(file)
			require.NoError(t, err)
			require.Equal(t, fs.FileMode(0o644), info.Mode().Perm())
			beside, err := os.ReadDir(filepath.Dir(file))
			require.NoError(t, err)
			require.Len(t, beside, 1, "nothing else is left there")
			f.Remove()
			require.NoFileExists(t, file)
		})
	}
}

func TestKeepPutsTheFileBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	f, err := Take(file)
	require.NoError(t, err)
	require.NoError(t, f.Keep())
	require.NoError(t, os.Rename(file, file+".moved"))
	require.NoError(t, os.WriteFile(file, []byte("4194305\n"), 0o600)) // of a process that did not take over
	require.NoError(t, f.Keep())
	now, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, strconv.Itoa(os.Getpid())+"\n", string(now))
	f.Remove()
	require.NoFileExists(t, file)
}

func TestRemoveLeavesAnotherProcesssFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	f, err := Take(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file+".next", []byte("4194305\n"), 0o600))
	require.NoError(t, os.Rename(file+".next", file))
	f.Remove()
	require.FileExists(t, file)
}

func TestTakeFailsWithoutAFolder(t *testing.T) {
	name := filepath.Join(t.TempDir(), "none", "pid")
	require.ErrorIs(t, Check(name), fs.ErrNotExist)
	_, err := Take(name)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestReadRefusesWhatHoldsNoNumber(t *testing.T) {
	for _, text := range []string{"", "junk", "1", "-5", "0"} {
		file := filepath.Join(t.TempDir(), "pid")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, _, err := Read(file)
		require.ErrorContains(t, err, "does not hold the number of a process")
	}
}
