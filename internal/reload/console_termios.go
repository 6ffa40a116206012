//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package reload

import (
	"os"

	"golang.org/x/sys/unix"
)

// console returns a function that restores the present state of the terminal. If a program is ended
// while it reads a password, or draws, it leaves the terminal without echo or line ends, and the
// developer types blind. The function does nothing if f is not a terminal, or if the terminal
// belongs to another job.
func console(f *os.File) (restore func()) {
	fd := int(f.Fd())
	mode, err := unix.IoctlGetTermios(fd, getMode)
	if err != nil {
		return func() {}
	}
	return func() {
		// Setting the mode from the background would stop the supervisor.
		if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
			return
		}
		unix.IoctlSetTermios(fd, setMode, mode)
	}
}
