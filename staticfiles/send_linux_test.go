package staticfiles_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/staticfiles"
)

// asSomebody runs f as a user without root's permission to open every file.
func asSomebody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		defer close(done)
		if _, err := unix.SetfsuidRetUid(65534); err != nil {
			done <- err
			return
		}
		f()
	}()
	require.NoError(t, <-done)
}

func TestWhatMayNotBeOpened(t *testing.T) {
	errs := map[string]error{}
	asSomebody(t, func() {
		dir, err := os.MkdirTemp("", "send")
		if err != nil {
			errs["made"] = err
			return
		}
		defer func() {
			_ = os.Chmod(filepath.Join(dir, "closed"), 0o700)
			_ = os.RemoveAll(dir)
		}()
		_ = os.Mkdir(filepath.Join(dir, "closed"), 0o700)
		_ = os.WriteFile(filepath.Join(dir, "closed", "file"), nil, 0o600)
		_ = os.WriteFile(filepath.Join(dir, "file"), nil, 0)
		_ = os.Chmod(filepath.Join(dir, "closed"), 0)
		for _, name := range []string{"closed", "closed/", "closed/file", "file", "other"} {
			_, errs[name] = staticfiles.SendFrom(dir, name, staticfiles.SendOptions{})
			_, errs[name+" of an fs.FS"] = staticfiles.SendFromFS(os.DirFS(dir), name, staticfiles.SendOptions{})
		}
	})
	require.NoError(t, errs["made"])
	for _, of := range []string{"", " of an fs.FS"} {
		require.ErrorIs(t, errs["closed"+of], httperror.NotFound, "a directory is not a file")
		require.ErrorIs(t, errs["closed/"+of], httperror.NotFound)
		require.ErrorIs(t, errs["other"+of], httperror.NotFound)
		for _, name := range []string{"file", "closed/file"} {
			require.ErrorIs(t, errs[name+of], fs.ErrPermission, "who runs the program wants to know")
			require.NotErrorIs(t, errs[name+of], httperror.NotFound)
		}
	}
}
