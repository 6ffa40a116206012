package limits_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/limits"
)

func TestALimitHasOneMeaning(t *testing.T) {
	for name, c := range map[string]struct{ value, want time.Duration }{
		"zero is the default":             {0, time.Second},
		"a value stays":                   {time.Minute, time.Minute},
		"the largest value stays":         {limits.Forever, limits.Forever},
		"a negative value means no limit": {-1, limits.Forever},
		"so is the smallest of all":       {math.MinInt64, limits.Forever},
		"less than the default is taken":  {1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, limits.Set(&c.value, "p: Options.Wait", time.Second, limits.Forever))
			require.Equal(t, c.want, c.value)
		})
	}
	large := limits.Forever + 1
	require.EqualError(t, limits.Set(&large, "p: Options.Wait", time.Second, limits.Forever),
		"p: Options.Wait is 876000h0m0.000000001s: the largest value is 876000h0m0s, and a negative one means no limit")
	size := math.MaxInt
	require.ErrorContains(t, limits.Set(&size, "p: Options.Size", 1, 1<<20), "p: Options.Size is 9223372036854775807: the largest value is 1048576")
}

func TestANumberThatIsNotALimitHasARange(t *testing.T) {
	for _, v := range []int{0, 3, 10} {
		require.NoError(t, limits.Within(v, "p: Options.Number", 0, 10))
	}
	for _, v := range []int{-1, 11, math.MinInt, math.MaxInt} {
		require.ErrorContains(t, limits.Within(v, "p: Options.Number", 0, 10), "p: Options.Number is ")
	}
}

func TestDuration(t *testing.T) {
	for name, c := range map[string]struct{ value, want time.Duration }{
		"zero is the default":                  {0, time.Minute},
		"a positive duration stays":            {time.Nanosecond, time.Nanosecond},
		"a negative duration means no limit":   {-1, limits.Forever},
		"the smallest duration means no limit": {math.MinInt64, limits.Forever},
		"the largest duration means no limit":  {math.MaxInt64, limits.Forever},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, limits.Duration(c.value, time.Minute))
		})
	}
}

func TestNumber(t *testing.T) {
	for name, c := range map[string]struct{ value, want int64 }{
		"zero is the default":                {0, 10},
		"a positive limit stays":             {1, 1},
		"a negative limit means no limit":    {-1, math.MaxInt64 / 2},
		"the smallest number means no limit": {math.MinInt64, math.MaxInt64 / 2},
		"the largest number means no limit":  {math.MaxInt64, math.MaxInt64 / 2},
	} {
		t.Run(name, func(t *testing.T) {
			got := limits.Number(c.value, 10)
			require.Equal(t, c.want, got)
			require.Positive(t, got+got)
		})
	}
	require.Equal(t, math.MaxInt/2, limits.Number(-1, 10))
}
