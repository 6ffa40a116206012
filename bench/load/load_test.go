package load

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheOutputOfWrkIsRead(t *testing.T) {
	const good = `Running 1s test @ http://127.0.0.1:18101/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.02ms  311.43us   9.93ms   88.33%
    Req/Sec    63.01k     2.11k   66.53k    70.00%
  69070 requests in 1.10s, 8.30MB read
Requests/sec:  62790.61
Transfer/sec:      7.54MB
`
	requests, perSecond, err := read(good)
	require.NoError(t, err)
	require.Equal(t, []float64{69070, 62790.61}, []float64{requests, perSecond})
	for text, reason := range map[string]string{
		good + "  Non-2xx or 3xx responses: 12\n":                         "Non-2xx or 3xx responses: 12",
		"  Socket errors: connect 0, read 9, write 0, timeout 0\n" + good: "Socket errors: connect 0, read 9, write 0, timeout 0",
		"  0 requests in 1.10s, 0.00B read\nRequests/sec:      0.00\n":    "no answer came to its end",
		"unable to connect to 127.0.0.1:18101 Connection refused\n":       "wrk printed no rate",
		"  9 requests in 1.10s, 0.00B read\nTransfer/sec:      0.00\n":    "wrk printed no rate",
	} {
		_, _, err := read(text)
		require.ErrorContains(t, err, reason)
	}
}

func TestOthersMakeTheMachineBusy(t *testing.T) {
	stat := func(idle, waiting int) string {
		return fmt.Sprintf("cpu  1000 10 500 %d %d 7 300 5 40 0\ncpu0 1 2 3 4 5 6 7 8 9 10\ncpu1 1 2 3 4 5 6 7 8 9 10\nintr 9 9 9 9 9 9\n", idle, waiting)
	}
	// In the second that passes, the server and wrk have 1.5 s of the 2 s of two processors.
	const own = 1500 * time.Millisecond
	start := readMachine(stat(70_000, 340), time.Minute)
	for _, c := range []struct {
		name          string
		idle, waiting int
		busy          bool
	}{
		{"nobody else", 70_050, 340, false},
		{"ticks are coarse", 70_051, 340, false},
		{"waiting for a disk is idle", 70_000, 390, false},
		{"0.15 of a second for others", 70_035, 340, false},
		{"more", 70_034, 340, true},
		{"never idle", 70_000, 340, true},
	} {
		end := readMachine(stat(c.idle, c.waiting), time.Minute+time.Second)
		require.Equal(t, 2, end.processors)
		require.Equal(t, c.busy, isBusy(start, end, own), c.name)
	}
}

func TestTheProcessorTimeOfAGroup(t *testing.T) {
	const stat = "4711 (a (strange) name) S 1 4700 4700 0 -1 4194560 100 200 0 0 30 12 5 3 20 0 1 0 9999 1 1"
	require.Equal(t, 500*time.Millisecond, ofGroup(stat, 4700))
	require.Zero(t, ofGroup(stat, 4711))
	require.Zero(t, ofGroup("4711 (ended)", 4700))
}

func TestMissingToolsAreNamed(t *testing.T) {
	found := []Tool{{Package: "golang", Check: []string{"go"}}, {Package: "golang", Check: []string{"go", "version"}}}
	require.NoError(t, need(found, nil))
	missing := append(found, Tool{Package: "nothing", Check: []string{"no-such-program"}, Peer: "a"},
		Tool{Package: "other", Check: []string{"go", "no-such-command"}})
	require.EqualError(t, need(missing, nil), "these packages of Debian are missing: apt install nothing other")
	require.EqualError(t, need(missing, []string{"b"}), "these packages of Debian are missing: apt install other")
	require.EqualError(t, need(missing, []string{"b", "a, another way"}), "these packages of Debian are missing: apt install nothing other")
}
