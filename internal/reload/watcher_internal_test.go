package reload

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A scope is set again whenever a process serves and when the files of a program are listed. The next poll must
// find each change since the last one.
func TestPollingFindsWhatChangedBeforeItsScopeIsSetAgain(t *testing.T) {
	write := func(t *testing.T, name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
	for name, change := range map[string]func(t *testing.T, dir string) (changed string){
		"a file that changes": func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "a.html"), "longer than before")
			return filepath.Join(dir, "a.html")
		},
		"a new file": func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "b.html"), "b")
			return filepath.Join(dir, "b.html")
		},
		"a file in a new folder": func(t *testing.T, dir string) string {
			write(t, filepath.Join(dir, "new", "deep", "c.html"), "c")
			return filepath.Join(dir, "new", "deep", "c.html")
		},
		"a file that is gone": func(t *testing.T, dir string) string {
			require.NoError(t, os.Remove(filepath.Join(dir, "a.html")))
			return filepath.Join(dir, "a.html")
		},
	} {
		t.Run(name, func(t *testing.T) {
			work := t.TempDir()
			dir := filepath.Join(work, "templates")
			write(t, filepath.Join(dir, "a.html"), "a")
			scope := func() *scope { return newScope(work, &sources{}, nil, []string{dir}, nil) }
			w := newWatcher(scope(), time.Hour, slog.New(slog.DiscardHandler)) // the test polls
			defer w.close()
			w.look()
			require.Empty(t, w.changes)

			changed := change(t, dir)
			w.set(scope())
			w.set(scope())
			w.look()
			require.Len(t, w.changes, 1)
			require.Equal(t, changed, (<-w.changes).name)
			w.look()
			require.Empty(t, w.changes, "it is found once")
		})
	}
}
