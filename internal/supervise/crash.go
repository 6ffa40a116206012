package supervise

import (
	"os"
	"runtime/debug"
	"strconv"
)

// EnvCrash is the variable with the number of a file descriptor to which Go's runtime copies its
// last message when the program dies.
//
// It is a pipe that holds one piece of text. The runtime writes several: the second write blocks
// until the supervisor reads, and every goroutine stays as it was. So there is time to write a
// core.
const EnvCrash = "ZEUG_CRASH"

// A program may die before it serves, so this runs before main.
func init() {
	fd, err := strconv.Atoi(os.Getenv(EnvCrash))
	if err != nil || fd < 3 {
		return
	}
	os.Unsetenv(EnvCrash) // the program's own children must not inherit it
	f := os.NewFile(uintptr(fd), "crash")
	// Without it, the output still has a traceback.
	_ = debug.SetCrashOutput(f, debug.CrashOptions{})
	_ = f.Close()
}
