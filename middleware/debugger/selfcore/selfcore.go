// Package selfcore writes a core file of the running process from inside it,
// without stopping it.
//
// A debugger (Delve, by `dlv core program file`) reads the frames and variables
// of goroutines from such a file as they were when it was written, while the
// process goes on. It holds what is resident of the process's writable memory,
// and so every secret of the process: it is made with mode 0600, and its folder
// should be open to nobody else.
//
// It is had on Linux, on amd64 and arm64. Elsewhere [Write] returns
// [errors.ErrUnsupported].
package selfcore

import (
	"bytes"
	"fmt"
	"runtime"
	"strconv"
)

// Write writes a core of this process to a new file at path, for which limit is
// the most bytes it may take (0 means 1 GiB), and returns the file's size and
// the id of the goroutine that called, as runtime stacks and Delve name it.
//
// The caller waits while another goroutine writes: a goroutine's registers are
// in memory, where a core's reader looks for them, only while it does not run.
// The other goroutines are not stopped, so what they change meanwhile may be
// seen half changed.
func Write(path string, limit int64) (size, goroutine int64, err error) {
	if limit == 0 {
		limit = 1 << 30
	}
	type result struct {
		size int64
		err  error
	}
	done := make(chan result)
	go func() {
		// A core that is wrong must not be worse than none.
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("write core: %v", p)
			}
			done <- r
		}()
		r.size, r.err = write(path, limit)
	}()
	r := <-done
	return r.size, goroutineID(), r.err
}

// goroutineID is the number in the first line of the calling goroutine's stack,
// "goroutine 42 [running]:".
func goroutineID() int64 {
	var buf [32]byte
	line := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(line, []byte(" "))
	id, _ := strconv.ParseInt(string(digits), 10, 64)
	return id
}
