//go:build linux

package procstate_test

import (
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/procstate"
)

func TestAZombieHasEnded(t *testing.T) {
	c := exec.Command("cat")
	in, err := c.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	pid := c.Process.Pid
	require.False(t, procstate.Ended(pid))
	require.NoError(t, in.Close())
	require.Eventually(t, func() bool { return procstate.Ended(pid) }, time.Minute, time.Millisecond, "nobody waits for it yet")
	require.NoError(t, c.Wait())
	require.True(t, procstate.Ended(pid))
}
