package reload_test

import (
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/reload"
)

// If a process is killed while it writes a core, it leaves an incomplete one, which is not
// reported. The supervisor removes it, but no file of another run.
func TestCoresOfADeadProcessAreRemoved(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	p := run(t, func(dir string, c *reload.Config) {
		c.Frames = true
		name := filepath.Join(dir, "main.go")
		save(t, name, strings.NewReplacer(", OPTIONS", "", `case "/pid":`, `case "/core":
		run := os.Getenv("ZEUG_RUN")
		for _, name := range []string{"core-"+run+"-f1", "core-"+run+"-f2", "core-"+run+"1-f1", "kept-core-"+run+"-f3"} {
			os.WriteFile(filepath.Join(filepath.Dir(os.Getenv("ZEUG_SUPERVISOR")), name), []byte("a part"), 0o600)
		}
	case "/pid":`, `"os"`, "\"os\"\n\t\"path/filepath\"").Replace(program))
	})
	folders, err := filepath.Glob(filepath.Join(temp, "zeug-run-*"))
	require.NoError(t, err)
	require.Len(t, folders, 1)
	cores := func() (names []string) {
		list, err := filepath.Glob(filepath.Join(folders[0], "*core-*"))
		require.NoError(t, err)
		for _, name := range list {
			names = append(names, filepath.Base(name))
		}
		return names
	}
	p.get("/core")
	require.Equal(t, []string{"core-1-f1", "core-1-f2", "core-11-f1", "kept-core-1-f3"}, cores())
	_, pid := p.get("/pid")
	number, err := strconv.Atoi(pid)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(number, syscall.SIGKILL))
	require.Eventually(t, func() bool { return len(cores()) == 2 }, patience, time.Millisecond, "%v", cores())
	require.Equal(t, []string{"core-11-f1", "kept-core-1-f3"}, cores(), "of another run, and one that was taken over")
}
