//go:build unix

package main

import (
	"errors"
	"fmt"
	"syscall"
)

// hangUp sends SIGHUP.
func hangUp(pid int) error {
	if pid < 2 {
		return fmt.Errorf("%d is not a process of a server", pid)
	}
	err := syscall.Kill(pid, syscall.SIGHUP)
	switch {
	case errors.Is(err, syscall.ESRCH):
		return fmt.Errorf("no process %d runs: start the server", pid)
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("process %d belongs to another user: run this as that one", pid)
	}
	return err
}
