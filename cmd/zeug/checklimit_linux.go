package main

import "syscall"

// limitCheck bounds the memory of this process, and that of each go command that it starts. A program of 500
// routes needs about a tenth of it.
func limitCheck() {
	limit := syscall.Rlimit{Cur: 2 << 30, Max: 2 << 30}
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &limit) // without it, GOMEMLIMIT bounds the heap as far as it can
}
