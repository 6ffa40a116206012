package corefile_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/corefile"
)

func TestARecordIsAtTheEndOfACore(t *testing.T) {
	record := corefile.Record{
		Time: time.Date(2026, 11, 30, 14, 5, 1, 0, time.UTC), Program: "/srv/shop", Build: "go abc", Machine: "web1", PID: 7, Goroutine: 34,
		Stack: "goroutine 34 [running]:\n", Message: "no", Type: "string", Collected: true,
		Request: corefile.Request{Method: "GET", Target: "/", Header: map[string][]string{"Accept": {"*/*"}}},
	}
	var core bytes.Buffer
	core.WriteString("\x7fELF and so on")
	require.NoError(t, record.Write(&core))
	path := filepath.Join(t.TempDir(), "core")
	require.NoError(t, os.WriteFile(path, core.Bytes(), 0o600))
	got, err := corefile.ReadRecord(path)
	require.NoError(t, err)
	require.Equal(t, record, got)

	tail := func(size uint64) string {
		return string(binary.LittleEndian.AppendUint64(nil, size)) + "zeugcore"
	}
	for name, content := range map[string]string{
		"an empty file":             "",
		"a short file":              "ELF",
		"a file that was cut":       core.String()[:core.Len()-1],
		"a core without a record":   "\x7fELF and so on, and much more than a record needs",
		"a record of no length":     tail(0),
		"a record before the file":  "{}" + tail(3),
		"a record without an end":   "{}" + tail(1<<63),
		"a record that is not JSON": "{" + tail(1),
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			_, err := corefile.ReadRecord(path)
			require.Error(t, err)
		})
	}
}

func TestABuildIsKnown(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("executables have another format")
	}
	build, err := corefile.BuildOf(os.Args[0])
	require.NoError(t, err)
	id, err := exec.Command("go", "tool", "buildid", os.Args[0]).Output()
	require.NoError(t, err)
	require.Equal(t, "go "+strings.TrimSpace(string(id)), build)

	t.Run("without a build ID by its content", func(t *testing.T) {
		program, err := os.ReadFile(os.Args[0])
		require.NoError(t, err)
		owner := []byte("\x04\x00\x00\x00Go\x00\x00")
		require.Contains(t, string(program), string(owner))
		path := filepath.Join(t.TempDir(), "program")
		var hashes []string
		for _, other := range []string{"No", "na"} {
			changed := bytes.ReplaceAll(program, owner, []byte("\x04\x00\x00\x00"+other+"\x00\x00"))
			require.NoError(t, os.WriteFile(path, changed, 0o600))
			hash, err := corefile.BuildOf(path)
			require.NoError(t, err)
			require.Regexp(t, `^sha256 [0-9a-f]{64}$`, hash)
			hashes = append(hashes, hash)
		}
		require.NotEqual(t, hashes[0], hashes[1])
	})
	t.Run("of another file not", func(t *testing.T) {
		_, err := corefile.BuildOf("record_test.go")
		require.ErrorContains(t, err, "is not an executable of Linux")
	})
}
