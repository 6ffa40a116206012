package reload_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/smalldisk"
)

func TestAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	if smalldisk.RunAgain(t) {
		return
	}
	disk := smalldisk.Mount(t, "256m")
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
