package reload

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The terminal is real, and a separate process owns it: this test, started again.
func TestTheTerminalIsRestored(t *testing.T) {
	if os.Getenv("ZEUG_TEST_CONSOLE") != "" {
		restore := console(os.Stdin)
		require.True(t, echoes(t, os.Stdin))
		mode, err := unix.IoctlGetTermios(0, getMode)
		require.NoError(t, err)
		mode.Lflag &^= unix.ECHO | unix.ICANON
		require.NoError(t, unix.IoctlSetTermios(0, setMode, mode))
		require.False(t, echoes(t, os.Stdin))
		restore()
		require.True(t, echoes(t, os.Stdin))
		return
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer master.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	defer terminal.Close()

	c := exec.Command(os.Args[0], "-test.run=^TestTheTerminalIsRestored$")
	c.Env = append(os.Environ(), "ZEUG_TEST_CONSOLE=1")
	c.Stdin = terminal
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func echoes(t *testing.T, f *os.File) bool {
	mode, err := unix.IoctlGetTermios(int(f.Fd()), getMode)
	require.NoError(t, err)
	return mode.Lflag&unix.ECHO != 0
}

func TestWhatIsNoTerminalIsLeftAlone(t *testing.T) {
	f, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer f.Close()
	console(f)()
}
