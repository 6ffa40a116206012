// Package corefile writes a core file of a process that keeps running: of this process, from inside
// it, or of a child that is stopped for a moment.
//
// A debugger (Delve, by `dlv core program file`) reads the frames and variables of goroutines from
// such a file as they were when it was written. It holds the resident part of the process's
// writable memory, and so every secret of the process. It is made with mode 0600, and no other user
// should be able to open its folder.
//
// It works on Linux only, on amd64 and arm64. Elsewhere the functions return
// [errors.ErrUnsupported].
package corefile

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
)

// defaultLimit is the largest size of a file if no limit is given.
const defaultLimit = 1 << 30

// Write writes a core of this process to a new file at path, of at most limit bytes (0 means 1
// GiB). It returns the file's size and the id of the calling goroutine, by which runtime stacks and
// Delve name it.
//
// The caller waits while another goroutine writes the core. A goroutine's registers are in memory,
// where a reader of cores looks for them, only while the goroutine does not run. The other
// goroutines are not stopped, so values that they change meanwhile may be seen half changed. The
// garbage collector must not run: it would free values that are no longer used by any later line of
// a function, and reuse their memory.
func Write(path string, limit int64) (size, goroutine int64, err error) {
	pauses.begin()
	defer pauses.end()
	type result struct {
		size int64
		err  error
	}
	done := make(chan result)
	go func() {
		var r result
		r.size, r.err = guarded(path, os.Getpid(), limit)
		done <- r
	}()
	r := <-done
	return r.size, goroutineID(), r.err
}

// pause keeps the garbage collector off while cores are written.
type pause struct {
	mu      sync.Mutex
	writers int
	percent int // as it was
}

var pauses pause

func (p *pause) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writers++; p.writers == 1 {
		p.percent = debug.SetGCPercent(-1)
	}
}

func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writers--; p.writers == 0 {
		debug.SetGCPercent(p.percent)
	}
}

// WriteOf writes a core of another Go process, as [Write] does of this one. Its goroutines have to
// be stopped, as those of a program that has panicked are while it prints its traceback: a running
// goroutine cannot be read. This process must be allowed to read the other's memory. A parent may
// read its child's unless the system forbids it (kernel.yama.ptrace_scope above 1).
func WriteOf(pid int, path string, limit int64) (size int64, err error) {
	return guarded(path, pid, limit)
}

// guarded turns a panic into an error: a failed attempt to write a core must
// not be worse than having no core.
func guarded(path string, pid int, limit int64) (size int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write core: %v", p)
		}
	}()
	if limit == 0 {
		limit = defaultLimit
	}
	return write(path, pid, limit)
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
