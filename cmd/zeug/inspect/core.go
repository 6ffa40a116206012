// Package inspect reads the frames and variables of a goroutine from a core
// file, and evaluates Go expressions in each of its frames. It is Delve, used
// as a library, behind the few questions that a debugger's page asks.
package inspect

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-delve/delve/pkg/logflags"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/proc/core"
)

// maxDepth is how many frames are read.
const maxDepth = 256

// Core is an open core file and one goroutine in it. Its methods may be called
// from any goroutine; they take turns.
type Core struct {
	mu        sync.Mutex
	group     *proc.TargetGroup
	target    *proc.Target
	goroutine *proc.G
	stack     []proc.Stackframe
	// first is the index in stack of the newest frame that is the program's:
	// above it stands what handles the panic.
	first int
}

// Frame is a function call of the goroutine.
type Frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	// Optimized says that the compiler has optimized the function: its
	// variables cannot be trusted and are not shown.
	Optimized bool `json:"optimized,omitempty"`
}

// Open opens the core file of a program, of which program is the executable
// with its debug information, at the goroutine with the given id. Where the
// goroutine panics, its newest frame is the one that panicked.
func Open(program, file string, goroutine int64) (c *Core, err error) {
	defer rescue(&err)
	quiet()
	group, err := core.OpenCore(file, program, nil)
	if err != nil {
		return nil, fmt.Errorf("open core: %w", err)
	}
	c = &Core{group: group, target: group.Selected}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	c.goroutine, err = proc.FindGoroutine(c.target, goroutine)
	if err != nil {
		return nil, fmt.Errorf("find goroutine %d: %w", goroutine, err)
	}
	if c.goroutine == nil {
		return nil, fmt.Errorf("find goroutine %d: there is none", goroutine)
	}
	c.stack, err = proc.GoroutineStacktrace(c.target, c.goroutine, maxDepth, 0)
	if err != nil {
		return nil, fmt.Errorf("read stack of goroutine %d: %w", goroutine, err)
	}
	c.first = newest(c.stack)
	return c, nil
}

// newest is the index of the newest frame that is not the runtime's, older than
// the newest panic if there is one.
func newest(stack []proc.Stackframe) int {
	from := 0
	for i, f := range stack {
		if name(f) == "runtime.gopanic" {
			from = i + 1
			break
		}
	}
	for i := from; i < len(stack); i++ {
		if n := name(stack[i]); n != "" && !strings.HasPrefix(n, "runtime.") {
			return i
		}
	}
	return 0
}

func name(f proc.Stackframe) string {
	if f.Call.Fn == nil {
		return ""
	}
	return f.Call.Fn.Name
}

// Close lets go of the files.
func (c *Core) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.group.Detach(false)
}

// Frames lists the goroutine's frames, newest first. A frame's index in the
// list is how the other methods name it.
func (c *Core) Frames() []Frame {
	var list []Frame
	for _, f := range c.stack[c.first:] {
		frame := Frame{Function: name(f), File: f.Call.File, Line: f.Call.Line}
		if f.Call.Fn != nil {
			frame.Optimized = f.Call.Fn.Optimized()
		}
		list = append(list, frame)
	}
	return list
}

// ErrOptimized says that a frame's variables cannot be trusted.
var ErrOptimized = errors.New(`the function is optimized, so its variables cannot be trusted: build with -gcflags='all=-N -l' to see them`)

// ErrNoFrame says that a frame's index is out of range.
var ErrNoFrame = errors.New("no such frame")

// scope is where the expressions of a frame are evaluated.
func (c *Core) scope(frame int) (*proc.EvalScope, error) {
	i := c.first + frame
	if frame < 0 || i >= len(c.stack) {
		return nil, ErrNoFrame
	}
	if fn := c.stack[i].Call.Fn; fn != nil && fn.Optimized() {
		return nil, ErrOptimized
	}
	return proc.FrameToScope(c.target, c.target.Memory(), c.goroutine, 0, c.stack[i:]...), nil
}

// rescue makes an error of a panic: a core may be cut short or hold anything,
// and a reader that fails must not take its caller along.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("read core: %v", p)
	}
}

// quiet keeps Delve from logging to the terminal.
var quiet = sync.OnceFunc(func() { _ = logflags.Setup(false, "", "") })
