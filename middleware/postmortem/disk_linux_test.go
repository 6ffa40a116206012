package postmortem_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/smalldisk"
	"github.com/zeugkit/zeug/middleware/postmortem"
)

func TestAFullDisk(t *testing.T) {
	supported(t)
	if smalldisk.RunAgain(t) {
		return
	}
	disk := smalldisk.Mount(t, "1m")
	f := &postmortem.Folder{Path: filepath.Join(disk, "cores"), PerHour: 3}
	require.Contains(t, panics(t, f), "the disk has no room")

	filler, err := os.Create(filepath.Join(disk, "filler"))
	require.NoError(t, err)
	defer filler.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := filler.Write(block); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			block = block[:len(block)/2]
		}
	}
	require.Contains(t, panics(t, f), "no space left on device")
	left, err := os.ReadDir(f.Path)
	require.NoError(t, err)
	for _, entry := range left {
		require.Contains(t, []string{"times", "times.part"}, entry.Name())
	}
}
