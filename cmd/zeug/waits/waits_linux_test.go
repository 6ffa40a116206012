package waits_test

import (
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSystemCalls(t *testing.T) {
	report := report(t, func() {
		pause := syscall.NsecToTimespec(held.Nanoseconds())
		for syscall.Nanosleep(&pause, &pause) == syscall.EINTR {
			continue // with what is left
		}
	})
	longest := report.Waits[0]
	require.Equal(t, "system call", longest.Kind)
	require.Equal(t, "the system", longest.Waker.Other)
	require.Contains(t, longest.Place.Function, "TestSystemCalls.func1")
	require.GreaterOrEqual(t, longest.Time, held-lateness)
	require.GreaterOrEqual(t, report.InSystem, longest.Time)
}

func TestPipes(t *testing.T) {
	report := report(t, func() {
		r, w, err := os.Pipe()
		if err != nil {
			return
		}
		me := goroutine()
		go func() {
			hold(me)
			_ = w.Close()
		}()
		_, _ = io.ReadAll(r)
	})
	longest := report.Waits[0]
	require.Equal(t, "file or pipe", longest.Kind)
	require.Equal(t, "the system", longest.Waker.Other)
	require.GreaterOrEqual(t, longest.Time, held)
}
