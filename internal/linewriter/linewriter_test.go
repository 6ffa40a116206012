package linewriter_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/linewriter"
)

func dropped(lines int) []byte { return fmt.Appendf(nil, "dropped %d\n", lines) }

// output is an output that stalls until the test lets it continue, if stalls is
// not nil.
type output struct {
	mu     sync.Mutex
	text   bytes.Buffer
	writes int
	stalls chan struct{}
	err    error
}

func (o *output) Write(p []byte) (int, error) {
	if o.stalls != nil {
		<-o.stalls
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writes++
	if o.err != nil {
		return 0, o.err
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestLinesAreWrittenTogetherWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(output)
		w := linewriter.New(out, dropped)
		for range 2 {
			out.text.Reset()
			w.Write([]byte("a\n"))
			w.Write([]byte("b\n"))
			synctest.Wait()
			require.Empty(t, out.String())
			time.Sleep(linewriter.Delay)
			synctest.Wait()
			require.Equal(t, "a\nb\n", out.String())
		}
		require.Equal(t, 2, out.writes)
	})
}

func TestManyLinesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := new(output)
		w := linewriter.New(out, dropped)
		line := strings.Repeat("x", 1023) + "\n"
		for range 64 {
			w.Write([]byte(line))
		}
		synctest.Wait()
		require.GreaterOrEqual(t, len(out.String()), 32<<10)
		require.NoError(t, w.Flush(t.Context()))
		require.Equal(t, strings.Repeat(line, 64), out.String())
	})
}

func TestAStalledOutputHoldsNobodyAndDropsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &output{stalls: make(chan struct{})}
		w := linewriter.New(out, dropped)
		line := []byte(strings.Repeat("x", 1023) + "\n")
		w.Write(line)
		time.Sleep(linewriter.Delay)
		synctest.Wait() // the goroutine waits for the output
		const fits = linewriter.Size / 1024
		for range fits + 7 {
			n, err := w.Write(line)
			require.NoError(t, err)
			require.Equal(t, len(line), n)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, w.Flush(ctx), context.DeadlineExceeded)

		close(out.stalls)
		require.NoError(t, w.Flush(t.Context()))
		require.Equal(t, 1+fits, strings.Count(out.String(), "x\n"))
		require.True(t, strings.HasSuffix(out.String(), "dropped 7\n"))
	})
}

func TestLinesThatFailedAreCounted(t *testing.T) {
	out := &output{err: errors.New("no space")}
	w := linewriter.New(out, dropped)
	w.Write([]byte("a\n"))
	w.Write([]byte("b\n"))
	require.NoError(t, w.Flush(t.Context()))
	out.err = nil
	w.Write([]byte("c\n"))
	require.NoError(t, w.Flush(t.Context()))
	require.Equal(t, "c\ndropped 2\n", out.String())
}

func TestNoLineIsLostOrTorn(t *testing.T) {
	out := new(output)
	w := linewriter.New(out, dropped)
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for j := range 500 {
				w.Write(fmt.Appendf(nil, "%d %d\n", i, j))
			}
		})
	}
	writers.Wait()
	require.NoError(t, w.Flush(t.Context()))
	next := [8]int{}
	for line := range strings.Lines(out.String()) {
		var i, j int
		_, err := fmt.Sscanf(line, "%d %d\n", &i, &j)
		require.NoError(t, err)
		require.Equal(t, next[i], j, "the lines of one writer stay in order")
		next[i]++
	}
	require.Equal(t, [8]int{500, 500, 500, 500, 500, 500, 500, 500}, next)
}

func TestALineAllocatesNothing(t *testing.T) {
	w := linewriter.New(new(bytes.Buffer), dropped)
	line := []byte("a line\n")
	for range 10 { // room for the buffer
		w.Write(line)
	}
	require.NoError(t, w.Flush(t.Context()))
	require.Less(t, testing.AllocsPerRun(50, func() { w.Write(line) }), 1.0)
}
