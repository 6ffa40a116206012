package debugger

import (
	"reflect"
	"runtime"
	"strings"
)

// maxDepth is how many frames are captured, and maxFrames how many of them are
// shown: the newest, and the oldest few, which tell where a runaway recursion
// began.
const (
	maxDepth  = 8 << 10
	maxFrames = 100
	oldest    = 30
)

// callers returns the program counters of the calling goroutine, newest first,
// without skip functions above callers itself.
func callers(skip int) []uintptr {
	for size := 256; ; size *= 8 {
		pcs := make([]uintptr, min(size, maxDepth))
		if n := runtime.Callers(skip+2, pcs); n < len(pcs) || n == maxDepth {
			return pcs[:n]
		}
	}
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
// It knows the method Callers() []uintptr, and StackTrace() or StackFrames() with
// any result that is a slice of counters, as github.com/pkg/errors and its like
// have them.
func stackOf(err error) (pcs []uintptr) {
	// A method of a nil pointer may panic: such an error knows nothing.
	defer func() { _ = recover() }()
	if e, ok := err.(interface{ Callers() []uintptr }); ok {
		return e.Callers()
	}
	for _, name := range []string{"StackTrace", "StackFrames"} {
		method := reflect.ValueOf(err).MethodByName(name)
		if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 {
			continue
		}
		out := method.Type().Out(0)
		if out.Kind() != reflect.Slice || out.Elem().Kind() != reflect.Uintptr {
			continue
		}
		stack := method.Call(nil)[0]
		for i := range min(stack.Len(), maxDepth) {
			pcs = append(pcs, uintptr(stack.Index(i).Uint()))
		}
		return pcs
	}
	return nil
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
	// Template says that File is a template, and Column where in its line the
	// mistake is, in bytes from 1; 0 is unknown.
	Template bool `json:"template,omitempty"`
	Column   int  `json:"column,omitempty"`
	// Panicked says that the function panicked, or called into Go what did, and
	// that a newer panic came while this one was on its way: of a deferred
	// function, or of one that recovers and panics again.
	Panicked bool `json:"panicked,omitempty"`
	// Hidden says that Debugger.Hide names the function's package.
	Hidden bool `json:"hidden,omitempty"`
	// Repeated is how many more times the function called itself from this line,
	// and Omitted how many calls between this frame and the newer one are left
	// out.
	Repeated int `json:"repeated,omitempty"`
	Omitted  int `json:"omitted,omitempty"`
	// Source is the lines around Line; it is empty where the file is not at hand.
	Source []SourceLine `json:"source,omitempty"`
}

// Short is the function's name without the path of its package:
// "cart.(*Cart).Total".
func (f Frame) Short() string {
	return f.Function[strings.LastIndexByte(f.Function, '/')+1:]
}

// Caret is what stands before a mark that points at Column, tabs as tabs; ""
// where the column is not known.
func (f Frame) Caret() string {
	for _, line := range f.Source {
		if line.Current && f.Column > 1 && f.Column <= len(line.Text) {
			return strings.Map(func(c rune) rune {
				if c == '\t' {
					return c
				}
				return ' '
			}, strings.ToValidUTF8(line.Text[:f.Column-1], ""))
		}
	}
	return ""
}

// Package is the import path of the function's package.
func (f Frame) Package() string {
	slash := strings.LastIndexByte(f.Function, '/') + 1
	if dot := strings.IndexByte(f.Function[slash:], '.'); dot >= 0 {
		return strings.ReplaceAll(f.Function[:slash+dot], "%2e", ".")
	}
	return f.Function
}

// frames resolves pcs. The runtime's own frames, through which a panic is
// raised, are left out, and so is the goroutine's start.
func (s *sources) frames(pcs []uintptr) []Frame {
	list := bareFrames(pcs)
	for i := range list {
		f := &list[i]
		f.Library = s.isLibrary(*f)
		f.Hidden = hidden(s.hide, f.Package())
		f.Source = s.around(f.File, f.Line)
	}
	return list
}

// bareFrames are frames without what is read from elsewhere.
func bareFrames(pcs []uintptr) []Frame {
	if len(pcs) == 0 {
		return nil
	}
	var list []Frame
	older := false
	frames := runtime.CallersFrames(pcs)
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "":
		case frame.Function == "runtime.gopanic":
			older = len(list) > 0
		case strings.HasPrefix(frame.Function, "runtime.") && (older || len(list) == 0), frame.Function == "runtime.goexit":
		default:
			if last := len(list) - 1; last >= 0 && !older && list[last].Function == frame.Function && list[last].Line == frame.Line && list[last].File == frame.File {
				list[last].Repeated++
				break
			}
			list = append(list, Frame{Function: frame.Function, File: frame.File, Line: frame.Line, Panicked: older})
			older = false
		}
		if !more {
			break
		}
	}
	if len(list) > maxFrames {
		rest := list[len(list)-oldest:]
		rest[0].Omitted = len(list) - maxFrames
		list = append(list[:maxFrames-oldest], rest...)
	}
	return list
}

// hidden reports whether one of the patterns names a package.
func hidden(patterns []string, pkg string) bool {
	for _, pattern := range patterns {
		if below, ok := strings.CutSuffix(pattern, "/..."); pkg == pattern || ok && (pkg == below || strings.HasPrefix(pkg, below+"/")) {
			return true
		}
	}
	return false
}
