package serving

import (
	"syscall"
	"unsafe"
)

// monotonic is the time of CLOCK_MONOTONIC in microseconds.
func monotonic() int64 {
	const clock = 1
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano() / 1000
}
