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
// the process that inherited it, waits for it. In a container, the first process may take seconds
// to do that, or never do it. A signal still reaches a zombie, so its state in /proc is checked.
func Ended(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return true
	}
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false // there is no /proc, or the next call says that it has ended
	}
	// The name of the program is in parentheses, and may itself contain some.
	_, after, found := bytes.Cut(state[bytes.LastIndexByte(state, ')')+1:], []byte(" "))
	return found && len(after) > 0 && (after[0] == 'Z' || after[0] == 'X')
}
