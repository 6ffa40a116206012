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
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"sync"
)

// defaultLimit is the largest size of a file if no limit is given.
const defaultLimit = 1 << 30

// Write writes a core of this process to a new file at path, of at most limit bytes (0 means 1
// GiB). It returns the file's size and the id of the calling goroutine, by which runtime stacks and
// Delve name it. The variables of the caller can be read from the core.
func Write(path string, limit int64) (size, goroutine int64, err error) {
	f := newFile{path: path, limit: limit}
	Aside(func() {
		size, err = WriteTo(f.create)
		err = f.finish(err)
	})
	return size, GoroutineID(), err
}

// Aside calls a function on another goroutine, and waits until it returns. A goroutine whose variables
// are to be read from a core has everything that leads to the core done aside, for two reasons.
//
// Its registers are in memory, where a core's reader looks for them, only while it does not run. And
// its stack must not grow: the runtime then moves the stack, and corrects only the pointers that the
// program still uses. A variable that no line of a frame uses any more would lead to the old stack.
func Aside(call func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		call()
	}()
	<-done
}

// WriteTo writes a core of this process to the file that create returns, when it is told the size. It
// returns the size. The caller closes the file, at whose end it may append. [Aside] says how the
// goroutine waits whose variables are to be read.
//
// The other goroutines are not stopped, so values that they change meanwhile may be seen half changed.
// The garbage collector does not run: it would free values that are no longer used by any later line
// of a function, and reuse their memory. If the program takes much memory meanwhile, the collector runs
// after all: [Collections] tells.
func WriteTo(create func(size int64) (*os.File, error)) (size int64, err error) {
	pauses.begin()
	defer pauses.end()
	return guarded(os.Getpid(), create)
}

// newFile is a file that must not exist yet, and is removed again if it does not become a core.
type newFile struct {
	path  string
	limit int64
	file  *os.File
}

func (n *newFile) create(size int64) (f *os.File, err error) {
	limit := n.limit
	if limit == 0 {
		limit = defaultLimit
	}
	if size > limit {
		return nil, fmt.Errorf("write core: %d MiB of memory are in use, the limit is %d MiB", size>>20, limit>>20)
	}
	if n.file, err = os.OpenFile(n.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
		return nil, fmt.Errorf("write core: %w", err)
	}
	return n.file, nil
}

// finish closes the file. err is the error of the core.
func (n *newFile) finish(err error) error {
	if n.file == nil {
		return err
	}
	if err = errors.Join(err, n.file.Close()); err != nil {
		return errors.Join(err, os.Remove(n.path))
	}
	return nil
}

// pause keeps the garbage collector off while cores are written, unless the program takes headroom
// more bytes meanwhile: it must not run out of memory.
type pause struct {
	mu      sync.Mutex
	writers int
	percent int   // as it was
	limit   int64 // as it was
}

const headroom = 256 << 20

var pauses pause

func (p *pause) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writers++; p.writers == 1 {
		p.percent = debug.SetGCPercent(-1)
		p.limit = debug.SetMemoryLimit(-1) // which only returns it
		debug.SetMemoryLimit(min(p.limit, inUse()+headroom))
	}
}

func (p *pause) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writers--; p.writers == 0 {
		debug.SetMemoryLimit(p.limit)
		debug.SetGCPercent(p.percent)
	}
}

// inUse is how many bytes of memory count for the runtime's limit.
func inUse() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64() - sample[1].Value.Uint64())
}

// Collections returns how many times the garbage collector has completed a run.
func Collections() uint64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// WriteOf writes a core of another Go process, as [Write] does of this one. Its goroutines have to
// be stopped, as those of a program that has panicked are while it prints its traceback: a running
// goroutine cannot be read. This process must be allowed to read the other's memory. A parent may
// read its child's unless the system forbids it (kernel.yama.ptrace_scope above 1).
func WriteOf(pid int, path string, limit int64) (size int64, err error) {
	f := newFile{path: path, limit: limit}
	size, err = guarded(pid, f.create)
	return size, f.finish(err)
}

// guarded turns a panic into an error: a failed attempt to write a core must
// not be worse than having no core.
func guarded(pid int, create func(size int64) (*os.File, error)) (size int64, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("write core: %v", p)
		}
	}()
	return write(pid, create)
}

// GoroutineID is the number in the first line of the calling goroutine's stack,
// "goroutine 42 [running]:".
func GoroutineID() int64 {
	var buf [32]byte
	line := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	digits, _, _ := bytes.Cut(line, []byte(" "))
	id, _ := strconv.ParseInt(string(digits), 10, 64)
	return id
}
