package staticfiles

import (
	"bytes"
	"fmt"
	"math"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestASealedFileCannotBeChanged(t *testing.T) {
	body := bytes.Repeat([]byte("body"), 20_000)
	fd, err := sealedFile(body)
	require.NoError(t, err)
	defer closeSealed(fd)
	have := make([]byte, len(body)+1)
	n, err := unix.Pread(fd, have, 0)
	require.NoError(t, err)
	require.Equal(t, body, have[:n])
	_, err = unix.Pwrite(fd, []byte("x"), 0)
	require.ErrorIs(t, err, unix.EPERM)
	require.ErrorIs(t, unix.Ftruncate(fd, 10), unix.EPERM)
	require.ErrorIs(t, unix.Ftruncate(fd, 1_000_000), unix.EPERM)
}

func TestSealedCopiesAreBounded(t *testing.T) {
	const size, files = 70_000, 300
	content := bytes.Repeat([]byte("x"), size)
	fsys := fstest.MapFS{}
	for i := range files {
		fsys[fmt.Sprint(i)] = &fstest.MapFile{Data: content}
	}
	for memory, most := range map[int64]int{4 << 20: (1 << 20) / size, 256 << 20: maxSealed, 200_000: 0, -1: maxSealed} {
		t.Run(fmt.Sprintf("with a memory of %d", memory), func(t *testing.T) {
			s, err := SharedData{Memory: memory, Exports: []Export{{FS: fsys}}}.Open()
			require.NoError(t, err)
			defer s.Close()
			limit := memory
			if memory < 0 {
				limit = math.MaxInt64
			}
			count := func() (int, int64) {
				s.seals.mu.Lock()
				defer s.seals.mu.Unlock()
				return s.seals.files, s.seals.bytes
			}
			for i := range files {
				res, err := s.resource(fmt.Sprint("/", i))
				require.NoError(t, err)
				for range sealedAfter + 1 {
					if res.plain.body == nil {
						break
					}
					s.sealedCopy(res, res.plain)
				}
				copies, held := count()
				require.LessOrEqual(t, copies, most)
				require.LessOrEqual(t, held, limit/4)
				require.LessOrEqual(t, s.resources.weight(), limit)
			}
			copies, _ := count()
			require.Equal(t, most > 0, copies > 0)
			for i := range files {
				s.resources.remove(fmt.Sprint("/", i))
			}
			require.Eventually(t, func() bool {
				runtime.GC()
				copies, held := count()
				return copies == 0 && held == 0
			}, 10*time.Second, 10*time.Millisecond, "what is dropped is closed")
		})
	}
}
