package ranges_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/ranges"
)

func TestParts(t *testing.T) {
	const length = 1000
	for _, test := range []struct {
		item        string
		spec        ranges.Spec
		start, stop int64
	}{
		{"0-499", ranges.Spec{Stop: 500}, 0, 500},
		{"500-", ranges.Spec{Start: 500}, 500, length},
		{"-500", ranges.Spec{Start: 500, Suffix: true}, 500, length},
		{"-2000", ranges.Spec{Start: 2000, Suffix: true}, 0, length},
		{"-0", ranges.Spec{Suffix: true}, length, length},
		{"0 - 0", ranges.Spec{Stop: 1}, 0, 1},
		{"999-5000", ranges.Spec{Start: 999, Stop: 5001}, 999, length},
		{"1000-", ranges.Spec{Start: 1000}, 1000, length},
		{"99999999999999999999-", ranges.Spec{Start: math.MaxInt64 - 1}, math.MaxInt64 - 1, length},
		{"0-99999999999999999999", ranges.Spec{Stop: math.MaxInt64}, 0, length},
	} {
		spec, ok := ranges.ParseSpec(test.item)
		require.True(t, ok, test.item)
		require.Equal(t, test.spec, spec, test.item)
		start, stop := spec.Cut(length)
		require.Equal(t, [2]int64{test.start, test.stop}, [2]int64{start, stop}, test.item)
	}
	for _, item := range []string{"", "-", "5", "5-4", "a-", "-a", "+1-", "1-+2", "- 5", "1-2-3", "0x1-"} {
		_, ok := ranges.ParseSpec(item)
		require.False(t, ok, item)
	}
}
