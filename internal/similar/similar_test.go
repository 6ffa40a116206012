package similar_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/similar"
)

func TestName(t *testing.T) {
	long := strings.Repeat("x", 1000)
	for _, c := range []struct {
		name     string
		names    []string
		best     string
		likeness float64
	}{
		{"user", []string{"post", "user"}, "user", 1},
		{"uesr", []string{"post", "user"}, "user", 0.75},
		{"ab", []string{"ac", "bc"}, "ac", 0.5},
		{"zzz", []string{"post", "user"}, "", 0},
		{"", []string{"", "a"}, "", 0},
		{"a", nil, "", 0},
		{long + "a", []string{long + "b"}, long[:200], 1},
	} {
		best, likeness := similar.Name(c.name, c.names)
		require.Equal(t, c.best, best, c.name)
		require.InDelta(t, c.likeness, likeness, 1e-9, c.name)
	}
}
