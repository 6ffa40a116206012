//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// apart makes a command start a process group, so that all processes of the group end with it.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// endGroup ends the group of this process, which apart made.
func endGroup() { _ = syscall.Kill(0, syscall.SIGKILL) }

// yieldTo gives the group of a command less priority than the program, its compiler and the browser.
func yieldTo(cmd *exec.Cmd) {
	_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, 15) // the check also works at the usual priority
}
