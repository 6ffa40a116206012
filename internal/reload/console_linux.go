package reload

import "golang.org/x/sys/unix"

// The requests of tcgetattr and tcsetattr.
const getMode, setMode = unix.TCGETS, unix.TCSETS
