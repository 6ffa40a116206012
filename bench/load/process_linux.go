package load

import "syscall"

// Child returns the attributes of a process that is a group of its own, and gets a signal when the
// thread ends that starts it.
func Child(end syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: end}
}

// killGroup kills a process and those that it started.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }
