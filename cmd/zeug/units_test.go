package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30": 30 * time.Second, "1.5": 1500 * time.Millisecond, "2m": 2 * time.Minute, "500ms": 500 * time.Millisecond, "0": 0,
	} {
		var s seconds
		require.NoError(t, s.Set(text), text)
		require.Equal(t, want, time.Duration(s), text)
	}
	for _, text := range []string{"", "x", "-1", "-1s", "5x", "NaN", "Inf", "1e300", "1 s"} {
		var s seconds
		require.ErrorContains(t, s.Set(text), "write seconds", text)
	}
	require.Greater(t, seconds(0).orNever(), 24*time.Hour)
	require.Equal(t, time.Second, seconds(time.Second).orNever())
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1000": 1000, "64K": 64 << 10, "64k": 64 << 10, "300M": 300 << 20, "300MB": 300 << 20, "300MiB": 300 << 20, "2G": 2 << 30, "1T": 1 << 40,
	} {
		var s size
		require.NoError(t, s.Set(text), text)
		require.Equal(t, want, int64(s), text)
		var again size
		if s != 0 {
			require.NoError(t, again.Set(s.String()))
			require.Equal(t, s, again)
		}
	}
	for _, text := range []string{"", "K", "-1", "1.5M", "9999999999T", "5x", "1 M"} {
		var s size
		require.ErrorContains(t, s.Set(text), "write a number of bytes", text)
	}
}

func TestForReading(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 1023: "1023", 1024: "1.0 K", 31 << 20: "31 M", 5 << 29: "2.5 G"} {
		require.Equal(t, want, readable(n))
	}
	for d, want := range map[time.Duration]string{
		1500 * time.Millisecond: "1s", 90 * time.Second: "1m30s", 125 * time.Minute: "2h5m", 50 * time.Hour: "2d2h",
	} {
		require.Equal(t, want, age(d))
	}
}
