// Package inspect reads the frames and variables of goroutines from a core file,
// and evaluates Go expressions in each of their frames. It uses Delve as a
// library, and answers only the few questions that a debugger's page asks.
//
// A core may contain anything, and be cut short: [Client] reads it in another process, which may
// fail, hang or grow without harm.
package inspect

import (
	"debug/elf"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-delve/delve/pkg/logflags"
	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/pkg/proc/core"
)

// maxDepth is how many frames are read.
const maxDepth = 256

// Core is an open core file. Its methods may be called from any goroutine; they
// take turns.
type Core struct {
	mu      sync.Mutex
	group   *proc.TargetGroup
	target  *proc.Target
	stacks  map[int64]*stack
	globals []string // the names of all package variables, once they are asked for
	memory  *answerMemory
	program string  // the executable
	source  *source // of the program, once an expression needs it
	// locations maps the addresses of time zones in the program to the time zones.
	locations map[uint64]*time.Location
	// pages tells which memory has values; noPages says that it is not known.
	pages   *heapPages
	noPages bool
}

// stack is a goroutine of the program.
type stack struct {
	goroutine *proc.G
	frames    []proc.Stackframe
	// first is the index of the newest frame of the program: the frames above it handle the panic.
	first int
	// low and high are the bounds of its memory, if bounded is set and they are known.
	low, high uint64
	bounded   bool
}

// Place is a frame of a goroutine.
type Place struct {
	Goroutine int64 `json:"goroutine"`
	// Frame is its index in what [Core.Frames] lists.
	Frame int `json:"frame"`
}

// Frame is a function call of a goroutine.
type Frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	// Optimized says that the compiler has optimized the function: its
	// variables cannot be trusted and are not shown.
	Optimized bool `json:"optimized,omitempty"`
}

// Open opens the core file of a program, given the program's executable with
// its debug information.
func Open(program, file string) (c *Core, err error) {
	defer rescue(&err)
	quiet()
	if err := Check(program); err != nil {
		return nil, err
	}
	group, err := core.OpenCore(file, program, nil)
	if err != nil {
		return nil, fmt.Errorf("open core: %w", err)
	}
	return &Core{group: group, target: group.Selected, program: program, stacks: map[int64]*stack{}}, nil
}

// ErrStripped says that a program has no debug information.
var ErrStripped = errors.New("the program has no debug information: build it without -ldflags=-s or -w, to see variables")

// Check returns an error that says what is missing in a program, before a reader fails on it. If that is
// the debug information, the error is [ErrStripped].
func Check(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return fmt.Errorf("open program: %w", err)
	}
	defer f.Close()
	for _, name := range []string{".debug_info", ".zdebug_info"} {
		if f.Section(name) != nil {
			return nil
		}
	}
	return ErrStripped
}

// stackOf reads the stack of a goroutine, once.
func (c *Core) stackOf(goroutine int64) (*stack, error) {
	if s := c.stacks[goroutine]; s != nil {
		return s, nil
	}
	g, err := proc.FindGoroutine(c.target, goroutine)
	if err != nil {
		return nil, fmt.Errorf("find goroutine %d: %w", goroutine, err)
	}
	if g == nil {
		return nil, fmt.Errorf("find goroutine %d: there is none", goroutine)
	}
	frames, err := proc.GoroutineStacktrace(c.target, g, maxDepth, 0)
	if err != nil {
		return nil, fmt.Errorf("read stack of goroutine %d: %w", goroutine, err)
	}
	s := &stack{goroutine: g, frames: frames, first: newest(frames)}
	c.stacks[goroutine] = s
	return s, nil
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

// Close closes the files.
func (c *Core) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.group.Detach(false)
}

// Frames lists the frames of the goroutine with the given id, newest first. If the goroutine
// panicked, the newest frame is the one that panicked.
func (c *Core) Frames(goroutine int64) (list []Frame, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer rescue(&err)
	s, err := c.stackOf(goroutine)
	if err != nil {
		return nil, err
	}
	for _, f := range s.frames[s.first:] {
		frame := Frame{Function: name(f), File: f.Call.File, Line: f.Call.Line}
		if f.Call.Fn != nil {
			frame.Optimized = f.Call.Fn.Optimized()
		}
		list = append(list, frame)
	}
	return list, nil
}

// ErrOptimized says that a frame's variables cannot be trusted.
var ErrOptimized = errors.New(`the function is optimized, so its variables cannot be trusted: build with -gcflags='all=-N -l' to see them`)

// ErrNoFrame says that a frame's index is out of range.
var ErrNoFrame = errors.New("no such frame")

// scope is where the expressions of a frame are evaluated.
func (c *Core) scope(at Place) (*proc.EvalScope, error) {
	s, err := c.stackOf(at.Goroutine)
	if err != nil {
		return nil, err
	}
	i := s.first + at.Frame
	if at.Frame < 0 || i >= len(s.frames) {
		return nil, ErrNoFrame
	}
	if fn := s.frames[i].Call.Fn; fn != nil && fn.Optimized() {
		return nil, ErrOptimized
	}
	memory := c.answerMemory()
	scope := proc.FrameToScope(c.target, memory, s.goroutine, 0, s.frames[i:]...)
	c.withoutOtherStacks(scope, s, memory)
	return scope, nil
}

// answerMemory is the memory that the next answer reads.
func (c *Core) answerMemory() *answerMemory {
	c.memory = &answerMemory{MemoryReadWriter: c.target.Memory(), reads: maxReads}
	return c.memory
}

// raised returns the value that a frame panicked with, if it is still known. If a newer panic has
// replaced an older one, only the core has the value of the older one.
func (c *Core) raised(at Place) (v Variable, ok bool) {
	defer func() {
		if recover() != nil { // the core may hold anything
			v, ok = Variable{}, false
		}
	}()
	s, err := c.stackOf(at.Goroutine)
	if err != nil {
		return v, false
	}
	i := s.first + at.Frame - 1
	for i >= 0 && strings.HasPrefix(name(s.frames[i]), "runtime.") && name(s.frames[i]) != "runtime.gopanic" {
		i-- // functions through which the runtime panics
	}
	if i < 0 || name(s.frames[i]) != "runtime.gopanic" {
		return v, false
	}
	scope := proc.FrameToScope(c.target, c.memory, s.goroutine, 0, s.frames[i:]...)
	value, err := scope.EvalExpression("p.arg", shallow)
	if err != nil || value.Unreadable != nil {
		return v, false
	}
	v = c.view(scope).show(value)
	v.Name = "panic"
	return v, true
}

// rescue turns a panic into an error: a core may be cut short or hold anything,
// and a failing reader must not end its caller.
func rescue(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("read core: %v", p)
	}
}

// quiet keeps Delve from logging to the terminal.
var quiet = sync.OnceFunc(func() { _ = logflags.Setup(false, "", "") })
