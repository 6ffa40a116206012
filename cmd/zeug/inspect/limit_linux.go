package inspect

import "syscall"

// maxMemory is how much memory a reader of cores may use. A large program's
// debug information takes some hundred megabytes.
const maxMemory = 3 << 30

func limitMemory() {
	limit := syscall.Rlimit{Cur: maxMemory, Max: maxMemory}
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &limit) // without the limit, it may use all the memory there is
}
