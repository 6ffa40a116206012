//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package reload

import "golang.org/x/sys/unix"

// The requests of tcgetattr and tcsetattr.
const getMode, setMode = unix.TIOCGETA, unix.TIOCSETA
