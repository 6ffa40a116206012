package postmortem_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/corefile"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/middleware/postmortem"
	"github.com/zeugkit/zeug/webtest"
)

// supported skips a test where no cores are written.
func supported(t *testing.T) {
	t.Helper()
	if _, _, err := corefile.Write(filepath.Join(t.TempDir(), "core"), 1); errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
}

// panics sends a request that panics, and returns what was logged. The response is the same as
// without a core.
func panics(t *testing.T, f *postmortem.Folder) string {
	t.Helper()
	var log bytes.Buffer
	app := middleware.Recover{Core: f, Logger: slog.New(slog.NewTextHandler(&log, nil))}.Wrap(http.HandlerFunc(order))
	resp := webtest.New(t, app).Get("/order?token=x23y").Expect(500)
	require.Equal(t, "Internal Server Error", resp.HTML("h1").Text())
	return log.String()
}

func order(_ http.ResponseWriter, r *http.Request) {
	r.Header.Set("X-Changed", "by the handler")
	panic(errors.New("no such order"))
}

// cores lists the cores of a folder by their paths, the oldest first.
func cores(t *testing.T, folder string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(folder, "*.core"))
	require.NoError(t, err)
	return list
}

func TestAPanicLeavesACore(t *testing.T) {
	supported(t)
	f := &postmortem.Folder{Path: filepath.Join(t.TempDir(), "a", "cores")}
	log := panics(t, f)
	list := cores(t, f.Path)
	require.Len(t, list, 1)
	require.Contains(t, log, "core="+list[0])
	require.Regexp(t, `/postmortem\.test-\d{8}T\d{6}\.\d{6}Z-\d+\.core$`, list[0])
	for path, mode := range map[string]os.FileMode{f.Path: 0o700, filepath.Dir(f.Path): 0o700, list[0]: 0o600, filepath.Join(f.Path, "times"): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
	file, err := elf.Open(list[0])
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, elf.ET_CORE, file.Type)

	record, err := corefile.ReadRecord(list[0])
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), record.Time, time.Minute)
	require.Equal(t, "no such order", record.Message)
	require.Equal(t, "*errors.errorString", record.Type)
	require.Contains(t, record.Stack, "postmortem_test.order")
	require.Positive(t, record.Goroutine)
	require.Equal(t, "/order?token=x23y", record.Request.Target)
	require.NotContains(t, record.Request.Header, "X-Changed", "the header is as it came")
	own, err := corefile.BuildOf(os.Args[0])
	require.NoError(t, err)
	require.Equal(t, own, record.Build)
}

func TestTheLimitOfTheHourHolds(t *testing.T) {
	supported(t)
	path := filepath.Join(t.TempDir(), "cores")
	f := &postmortem.Folder{Path: path, PerHour: 3, MaxBytes: -1}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { panics(t, f) })
	}
	all.Wait()
	var log strings.Builder
	for range 5 {
		log.WriteString(panics(t, f))
	}
	require.Len(t, cores(t, path), 3)
	require.LessOrEqual(t, strings.Count(log.String(), "no_core="), 1, "each reason is told once")

	log.Reset()
	again := &postmortem.Folder{Path: path, PerHour: 3, MaxBytes: -1}
	for range 3 {
		log.WriteString(panics(t, again))
	}
	require.Len(t, cores(t, path), 3, "after a restart")
	require.Equal(t, 1, strings.Count(log.String(), "no_core="))
	require.Contains(t, log.String(), "as many cores were begun in the last hour as Folder.PerHour allows")

	t.Run("cores that were removed count", func(t *testing.T) {
		for _, core := range cores(t, path) {
			require.NoError(t, os.Remove(core))
		}
		panics(t, &postmortem.Folder{Path: path, PerHour: 3})
		require.Empty(t, cores(t, path))
	})
	t.Run("after an hour there are cores again, and times of a wrong clock do not count", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(path, "times"), []byte("1\n99999999999\nx\n\n2\n3\n"), 0o600))
		panics(t, &postmortem.Folder{Path: path, PerHour: 3})
		require.Len(t, cores(t, path), 1)
	})
}

func TestTheOldestCoresMakeRoom(t *testing.T) {
	supported(t)
	path := filepath.Join(t.TempDir(), "cores")
	panics(t, &postmortem.Folder{Path: path})
	first := cores(t, path)
	info, err := os.Stat(first[0])
	require.NoError(t, err)
	foreign := filepath.Join(path, "kept.core")
	require.NoError(t, os.WriteFile(foreign, make([]byte, 1<<10), 0o600))
	left := filepath.Join(path, "shop-20260102T030405.000000Z-1.core.part")
	require.NoError(t, os.WriteFile(left, []byte("of a process that was killed"), 0o600))
	// There is room for two and a half.
	f := &postmortem.Folder{Path: path, PerHour: -1, MaxBytes: info.Size() * 5 / 2}
	for range 4 {
		panics(t, f)
		total := int64(0)
		for _, core := range cores(t, path) {
			info, err := os.Stat(core)
			require.NoError(t, err)
			total += info.Size()
		}
		require.LessOrEqual(t, total, f.MaxBytes+1<<10)
		require.FileExists(t, foreign, "a file of another name stays")
		require.NoFileExists(t, left)
	}
	require.NoFileExists(t, first[0])
	require.GreaterOrEqual(t, len(cores(t, path)), 2)

	t.Run("a core that is larger than all may be costs none", func(t *testing.T) {
		before := cores(t, path)
		log := panics(t, &postmortem.Folder{Path: path, PerHour: -1, MaxBytes: 3 << 20})
		require.Contains(t, log, "Folder.MaxBytes allows 3 MiB")
		require.Equal(t, before, cores(t, path))
	})
}

func TestWithoutACoreTheResponseIsTheSame(t *testing.T) {
	supported(t)
	dir := t.TempDir()
	folder := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.Mkdir(path, 0o700))
		require.NoError(t, os.Chmod(path, mode))
		return path
	}
	link, file := filepath.Join(dir, "link"), filepath.Join(dir, "file")
	require.NoError(t, os.Symlink(folder("own", 0o700), link))
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct{ path, want string }{
		"a folder that others may enter": {folder("open", 0o711), "has the mode 0711: give it 0700"},
		"a folder that a group may read": {folder("group", 0o740), "has the mode 0740: give it 0700"},
		"a symbolic link":                {link, "is a symbolic link"},
		"a symbolic link with a slash":   {link + "/", "is a symbolic link"},
		"a file":                         {file, "not a directory"},
		"below a file":                   {file + "/cores", "not a directory"},
		"where no folder can be":         {"/proc/self/fdinfo/cores", "cores"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &postmortem.Folder{Path: c.path}
			log := panics(t, f)
			require.Contains(t, log, "no_core=")
			require.Contains(t, log, c.want)
			require.NotContains(t, panics(t, f), "no_core", "the reason was told")
			require.Empty(t, cores(t, c.path))
		})
	}
}

func TestAFolderThatIsMendedHasCoresAgain(t *testing.T) {
	supported(t)
	f := &postmortem.Folder{Path: filepath.Join(t.TempDir(), "cores")}
	require.NoError(t, os.Mkdir(f.Path, 0o755))
	require.NoError(t, os.Chmod(f.Path, 0o755))
	panics(t, f)
	require.NoError(t, os.Chmod(f.Path, 0o700))
	panics(t, f)
	require.Len(t, cores(t, f.Path), 1)
	require.NoError(t, os.Chmod(f.Path, 0o755))
	require.Contains(t, panics(t, f), "has the mode 0755", "told again")
}

func TestAFolderNeedsAPath(t *testing.T) {
	require.PanicsWithError(t, "postmortem: Folder.Path is empty: name a folder that only the user of the process may enter", func() {
		middleware.Recover{Core: &postmortem.Folder{}}.Wrap(http.NotFoundHandler())
	})
}
