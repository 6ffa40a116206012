package corefile_test

import (
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/corefile"
)

var kept = []byte("a text that only the heap holds: " + runtime.Version())

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "core")
	size, id, err := corefile.Write(path, 0)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	require.Positive(t, id)

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, size, info.Size())
	require.Equal(t, os.FileMode(0o600), info.Mode())

	file, err := elf.Open(path)
	require.NoError(t, err)
	defer file.Close()
	require.Equal(t, elf.ET_CORE, file.Type)
	found := false
	for _, p := range file.Progs {
		if p.Type != elf.PT_LOAD {
			continue
		}
		part := make([]byte, p.Filesz)
		_, err := p.ReadAt(part, 0)
		require.NoError(t, err)
		found = found || containsText(part)
	}
	require.True(t, found, "the heap is in the file")

	_, _, err = corefile.Write(path, 0)
	require.ErrorIs(t, err, os.ErrExist, "no file is overwritten")
}

func containsText(part []byte) bool {
	for i := 0; i+len(kept) <= len(part); i++ {
		if part[i] == kept[0] && string(part[i:i+len(kept)]) == string(kept) {
			return true
		}
	}
	return false
}

func TestWriteKeepsItsLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "core")
	_, _, err := corefile.Write(path, 1<<10)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.ErrorContains(t, err, "limit")
	require.NoFileExists(t, path)
}

func BenchmarkWrite(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		path := filepath.Join(dir, "core")
		size, _, err := corefile.Write(path, 0)
		require.NoError(b, err)
		b.ReportMetric(float64(size)/1e6, "MB")
		require.NoError(b, os.Remove(path))
	}
}
