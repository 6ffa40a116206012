package reload_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The disk is a small one that only this test sees: the test runs again in a
// mount namespace.
func TestAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	if os.Getenv("ZEUG_TEST_DISK") == "" {
		t.Parallel()
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
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256m"))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	t.Setenv("TMPDIR", disk)
	p := run(t, nil)
	p.eventually("/", "one")

	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	p.edit(`"one"`, `"two"`)
	p.says("does not build")
	status, page := p.browse("/")
	require.Equal(t, 500, status)
	require.Contains(t, page, "no space left on device")
	status, body := p.get("/")
	require.Equal(t, 200, status, "the old process goes on for others")
	require.Equal(t, "one", body)

	require.NoError(t, os.Remove(filler))
	p.edit(`"two"`, `"three"`)
	p.eventually("/", "three")
}

// fill fills the disk of name completely.
func fill(t *testing.T, name string) {
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			require.ErrorIs(t, err, syscall.ENOSPC)
			block = block[:len(block)/2]
		}
	}
}
