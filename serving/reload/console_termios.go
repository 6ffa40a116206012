//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package reload

import (
	"os"

	"golang.org/x/sys/unix"
)

// console returns a function that restores the present state of the terminal: a program that is
// ended while it reads a password, or draws, leaves it without echo or line ends, and the
// developer types blind. The function does nothing if f is not a terminal, or belongs to another
// job.
func console(f *os.File) (restore func()) {
	fd := int(f.Fd())
	mode, err := unix.IoctlGetTermios(fd, getMode)
	if err != nil {
		return func() {}
	}
	return func() {
		// To set the mode from the background would stop the supervisor.
		if group, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil || group != unix.Getpgrp() {
			return
		}
		unix.IoctlSetTermios(fd, setMode, mode)
	}
}
