package postmortem_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/postmortem"
)

// The disk is a small one that only this test sees: the test runs
// again in a mount namespace.
func TestAFullDisk(t *testing.T) {
	supported(t)
	if os.Getenv("ZEUG_TEST_DISK") == "" {
		if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil && os.Getenv("CI") == "" {
			t.Skipf("this system lets nobody mount a disk: %s", out)
		}
		again := exec.Command("unshare", "-rm", os.Args[0], "-test.run=^TestAFullDisk$")
		again.Env = append(os.Environ(), "ZEUG_TEST_DISK=1")
		out, err := again.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return
	}
	disk := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.Mkdir(disk, 0o700))
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
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
