package supervise

import (
	"os"
	"runtime/debug"
	"strconv"
)

// EnvCrash is the variable with the number of a file descriptor to which Go's runtime copies its
// last message when the program dies.
//
// It is a pipe that takes one piece of text: the runtime, which writes in many, blocks at the
// second until the supervisor reads, with every goroutine as it was. So there is time for a core.
const EnvCrash = "ZEUG_CRASH"

// A program may die before it serves, so that this cannot wait for it to do so.
func init() {
	fd, err := strconv.Atoi(os.Getenv(EnvCrash))
	if err != nil || fd < 3 {
		return
	}
	os.Unsetenv(EnvCrash) // it is not for the program's own children
	f := os.NewFile(uintptr(fd), "crash")
	// Without it there is a traceback in the output still.
	_ = debug.SetCrashOutput(f, debug.CrashOptions{})
	_ = f.Close()
}
