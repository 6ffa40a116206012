//go:build !linux

package load

import (
	"os"
	"syscall"
)

// Child and killGroup only do on Linux what their names say. Other systems have no /proc either.
func Child(syscall.Signal) *syscall.SysProcAttr { return nil }

func killGroup(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
}
