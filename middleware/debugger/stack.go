package debugger

import (
	"reflect"
	"runtime"
	"strings"
)

// maxDepth is how many frames are captured. A runaway recursion is cut there.
const maxDepth = 256

// callers returns the program counters of the calling goroutine, newest first,
// without skip functions above callers itself.
func callers(skip int) []uintptr {
	pcs := make([]uintptr, maxDepth)
	return pcs[:runtime.Callers(skip+2, pcs)]
}

// panicking returns the part of pcs that is older than the newest panic: the
// frames of who panicked and of its callers. It is called in a deferred
// function, which runs on top of the stack that panicked. It reports false
// where nothing panics.
func panicking(pcs []uintptr) ([]uintptr, bool) {
	frames := runtime.CallersFrames(pcs)
	for n := 0; ; n++ {
		frame, more := frames.Next()
		if frame.Function == "runtime.gopanic" {
			return fromFrame(pcs, n+1), true
		}
		if !more {
			return nil, false
		}
	}
}

// fromFrame drops the n newest frames of pcs. One counter may stand for several
// frames, so that frames are counted and not counters.
func fromFrame(pcs []uintptr, n int) []uintptr {
	for i := range pcs {
		frames := runtime.CallersFrames(pcs[i : i+1])
		for {
			if n == 0 {
				return pcs[i:]
			}
			_, more := frames.Next()
			n--
			if !more {
				break
			}
		}
	}
	return nil
}

// stackOf returns the program counters that an error kept of where it was made.
// It knows the method Callers() []uintptr, and StackTrace() with any result
// that is a slice of counters, as github.com/pkg/errors and its like have it.
func stackOf(err error) (pcs []uintptr) {
	// A method of a nil pointer may panic: such an error knows nothing.
	defer func() { _ = recover() }()
	if e, ok := err.(interface{ Callers() []uintptr }); ok {
		return e.Callers()
	}
	method := reflect.ValueOf(err).MethodByName("StackTrace")
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 {
		return nil
	}
	out := method.Type().Out(0)
	if out.Kind() != reflect.Slice || out.Elem().Kind() != reflect.Uintptr {
		return nil
	}
	stack := method.Call(nil)[0]
	pcs = make([]uintptr, stack.Len())
	for i := range pcs {
		pcs[i] = uintptr(stack.Index(i).Uint())
	}
	return pcs
}

// Frame is one function call of a stack.
type Frame struct {
	// Function is the whole name, "example.org/shop/cart.(*Cart).Total".
	Function string `json:"function"`
	// File is the source file's path, or the template's name.
	File string `json:"file"`
	// Line is the line that was running, from 1.
	Line int `json:"line"`
	// Library says that the function is not the application's: it belongs to
	// Go, to a module that the application requires, or to Zeug.
	Library bool `json:"library"`
	// Template says that File is a template.
	Template bool `json:"template,omitempty"`
	// Source is the lines around Line; it is empty where the file is not at hand.
	Source []SourceLine `json:"source,omitempty"`
}

// Short is the function's name without the path of its package:
// "cart.(*Cart).Total".
func (f Frame) Short() string {
	return f.Function[strings.LastIndexByte(f.Function, '/')+1:]
}

// Package is the import path of the function's package.
func (f Frame) Package() string {
	slash := strings.LastIndexByte(f.Function, '/') + 1
	if dot := strings.IndexByte(f.Function[slash:], '.'); dot >= 0 {
		return strings.ReplaceAll(f.Function[:slash+dot], "%2e", ".")
	}
	return f.Function
}

// frames resolves pcs. The runtime's own frames at the newest end, through
// which a panic is raised, are left out, and so is the goroutine's start.
func (s *sources) frames(pcs []uintptr) []Frame {
	if len(pcs) == 0 {
		return nil
	}
	var list []Frame
	frames := runtime.CallersFrames(pcs)
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if frame.Function != "" && (!inRuntime || len(list) > 0 && frame.Function != "runtime.goexit") {
			f := Frame{Function: frame.Function, File: frame.File, Line: frame.Line}
			f.Library = s.isLibrary(f)
			f.Source = s.around(f.File, f.Line)
			list = append(list, f)
		}
		if !more {
			return list
		}
	}
}
