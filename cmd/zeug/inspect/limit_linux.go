package inspect

import "syscall"

// maxMemory is how much of it a reader of cores may have. A large program's
// debug information takes some hundred megabytes.
const maxMemory = 3 << 30

func limitMemory() {
	limit := syscall.Rlimit{Cur: maxMemory, Max: maxMemory}
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &limit) // without it, memory is all that there is
}
