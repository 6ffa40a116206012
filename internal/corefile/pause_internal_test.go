package corefile

import (
	"math"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

var garbage []byte

// A program that takes much memory while a core is written must not run out of it.
func TestAPauseEndsIfMemoryIsShort(t *testing.T) {
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	var p pause
	p.begin()
	p.begin()
	p.end()
	before := Collections()
	for range headroom / 4 >> 20 {
		garbage = make([]byte, 1<<20)
	}
	require.Equal(t, before, Collections(), "the collector is off")
	for taken := 0; Collections() == before && taken < 4*headroom; taken += 1 << 20 {
		garbage = make([]byte, 1<<20)
	}
	require.Greater(t, Collections(), before)
	p.end()
	require.EqualValues(t, int64(math.MaxInt64), debug.SetMemoryLimit(-1))
	require.Equal(t, 100, debug.SetGCPercent(100))
}
