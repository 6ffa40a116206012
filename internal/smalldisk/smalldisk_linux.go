package smalldisk

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// inside is the variable of the second run.
const inside = "ZEUG_TEST_DISK"

// RunAgain runs the test in a namespace of its own, beside other tests, and reports true. In that run it
// reports false. Outside of CI it skips the test if the system lets nobody mount a disk.
func RunAgain(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) != "" {
		return false
	}
	t.Parallel()
	if out, err := exec.Command("unshare", "-rm", "true").CombinedOutput(); err != nil && os.Getenv("CI") == "" {
		t.Skipf("this system lets nobody mount a disk: %s", out)
	}
	again := exec.Command("unshare", "-rm", os.Args[0], "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), inside+"=1")
	out, err := again.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return true
}

// Mount returns the folder of a disk of a size, such as "256m", until the test ends.
func Mount(t *testing.T, size string) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	require.NoError(t, os.Mkdir(disk, 0o700))
	require.NoError(t, syscall.Mount("tmpfs", disk, "tmpfs", 0, "size="+size))
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(disk, syscall.MNT_DETACH)) })
	return disk
}
