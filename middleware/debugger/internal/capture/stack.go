package capture

import (
	"reflect"
	"runtime"
	"strings"
)

// maxDepth is how many frames are captured, and maxFrames is how many of them are shown: the newest
// ones, and the few oldest ones, which show where an endless recursion began.
const (
	maxDepth  = 8 << 10
	maxFrames = 100
	oldest    = 30
)

// Callers returns the program counters of the calling goroutine, newest first,
// without skip functions above callers itself.
func Callers(skip int) []uintptr {
	for size := 256; ; size *= 8 {
		pcs := make([]uintptr, min(size, maxDepth))
		if n := runtime.Callers(skip+2, pcs); n < len(pcs) || n == maxDepth {
			return pcs[:n]
		}
	}
}

// panicking returns the part of pcs that is older than the newest panic: the function that
// panicked, and its callers. It is called in a deferred function, which runs on top of the stack
// that panicked. It reports false if nothing panics.
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

// fromFrame drops the n newest frames of pcs. One counter may stand for several frames, so it
// counts frames, not counters.
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

// stackOf returns the program counters that an error recorded when it was made. It knows the method
// Callers() []uintptr, and StackTrace() or StackFrames() with any result that is a slice of
// counters, as in github.com/pkg/errors and similar packages.
func stackOf(err error) (pcs []uintptr) {
	// A method of a nil pointer may panic: such an error has no stack.
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
	// Template says that File is a template. Column is then the column of the
	// mistake, in bytes from 1, or 0 if it is not known.
	Template bool `json:"template,omitempty"`
	Column   int  `json:"column,omitempty"`
	// Panicked says that the function panicked, or called code of Go that did, and that a newer
	// panic followed before this one was handled. The newer panic is that of a deferred function,
	// or of a function that recovers and panics again.
	Panicked bool `json:"panicked,omitempty"`
	// Hidden says that Settings.Hide names the function's package.
	Hidden bool `json:"hidden,omitempty"`
	// Repeated is how many more times the function called itself from this line. If Cycle is set,
	// functions called each other: the sequence of this frame and those after it, Cycle frames in
	// all, occurs Repeated more times. The copies are not listed.
	Repeated int `json:"repeated,omitempty"`
	Cycle    int `json:"cycle,omitempty"`
	// Omitted is how many calls between this frame and the newer one are left out.
	Omitted int `json:"omitted,omitempty"`
	// Values are the names that were passed to a template, if its error knows them.
	Values []*Value `json:"values,omitempty"`
	// Source is the lines around Line; it is empty if the file cannot be read.
	Source []SourceLine `json:"source,omitempty"`
}

// Short is the function's name without the path of its package:
// "cart.(*Cart).Total".
func (f Frame) Short() string {
	return f.Function[strings.LastIndexByte(f.Function, '/')+1:]
}

// Caret is the white space before a mark that points at Column, in which tabs stay tabs; "" if the
// column is not known.
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
// raised, are left out, and so is the start of the goroutine.
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

// bareFrames are frames without source and other facts from files.
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
			list = append(list, Frame{Function: frame.Function, File: frame.File, Line: frame.Line, Panicked: older})
			older = false
		}
		if !more {
			break
		}
	}
	return shortened(foldCycles(list))
}

// shortened leaves out the middle of a long stack.
func shortened(list []Frame) []Frame {
	if len(list) > maxFrames {
		rest := list[len(list)-oldest:]
		rest[0].Omitted = len(list) - maxFrames
		list = append(list[:maxFrames-oldest], rest...)
	}
	return list
}

// maxCycle is the largest cycle that is found: the number of functions that
// call each other in turn.
const maxCycle = 16

// foldCycles lists a recursion once. It turns "f f f main" into "f main", where f is Repeated two
// more times. It turns "even odd even odd even odd main" into "even odd main"; the frame even has
// a Cycle of two. It changes list.
func foldCycles(list []Frame) []Frame {
	kept := list[:0]
	for i := 0; i < len(list); {
		length, copies := cycle(list[i:])
		kept = append(kept, list[i:i+length]...)
		if copies > 0 {
			first := &kept[len(kept)-length]
			if first.Repeated = copies; length > 1 {
				first.Cycle = length
			}
		}
		i += length * (copies + 1)
	}
	return kept
}

// cycle returns the length of the shortest cycle with which list begins, and how often it is
// repeated. Two functions that call each other only twice do not count as a recursion.
func cycle(list []Frame) (length, copies int) {
	for length = 1; length <= maxCycle && 2*length <= len(list); length++ {
		if length > 1 && list[length-1].Panicked {
			break // it stays before the cycle, or begins it
		}
		at := length // a copy begins at each multiple of length
		for at < len(list) && !list[at].Panicked && sameCall(list[at], list[at%length]) {
			at++
		}
		if copies = at/length - 1; copies > 1 || copies == 1 && length == 1 {
			return length, copies
		}
	}
	return 1, 0
}

func sameCall(a, b Frame) bool {
	return a.Line == b.Line && a.Function == b.Function && a.File == b.File
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
