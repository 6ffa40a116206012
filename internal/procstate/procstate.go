//go:build unix

// Package procstate tells tests whether a process has ended.
package procstate

import (
	"bytes"
	"fmt"
	"os"
	"syscall"
)

// Ended reports whether a process has ended. A process that has ended is a zombie until its parent, or
// the process that inherited it, waits for it. The first process of a container may take seconds for
// that, or never do it. A signal still reaches a zombie, so that its state in /proc tells.
func Ended(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false // there is no /proc, or the next call says that it has ended
	}
	// The name of the program stands in parentheses, and may have some itself.
	_, after, found := bytes.Cut(state[bytes.LastIndexByte(state, ')')+1:], []byte(" "))
	return found && len(after) > 0 && (after[0] == 'Z' || after[0] == 'X')
}
