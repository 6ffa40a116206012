package waits

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/exp/trace"
)

// stack is a stack of the trace, the innermost frame first.
type stack struct {
	frames []trace.StackFrame
	place  Place
}

// maxFrames is the depth at which Go cuts stacks in a trace.
const maxFrames = 128

// stackOf returns a stack with its place.
func (r *reader) stackOf(id trace.Stack) *stack {
	if known := r.stacks[id]; known != nil {
		return known
	}
	s := &stack{}
	for f := range id.Frames() {
		s.frames = append(s.frames, f)
		if len(s.frames) == maxFrames {
			break
		}
	}
	s.place = r.placeOf(s.frames)
	if r.stacks == nil {
		r.stacks = map[trace.Stack]*stack{}
	}
	r.stacks[id] = s
	return s
}

// isEmpty reports whether an event has no stack. There are several forms of that.
func isEmpty(s trace.Stack) bool {
	for range s.Frames() {
		return false
	}
	return true
}

// outermost is the function that the goroutine began with, "" if it is not known.
func (s *stack) outermost() string {
	if len(s.frames) == 0 || len(s.frames) == maxFrames {
		return ""
	}
	return s.frames[len(s.frames)-1].Func
}

// has reports whether a function whose name has this prefix is in the stack.
func (s *stack) has(prefix string) bool {
	for _, f := range s.frames {
		if strings.HasPrefix(f.Func, prefix) {
			return true
		}
	}
	return false
}

func (r *reader) placeOf(frames []trace.StackFrame) Place {
	inner := slices.IndexFunc(frames, func(f trace.StackFrame) bool { return !isRuntime(f.Func) })
	if inner < 0 {
		if len(frames) == 0 {
			return Place{}
		}
		inner = 0
	}
	// In package sync, the exported function is better known than the functions that it calls.
	for packageOf(frames[inner].Func) == "sync" && inner+1 < len(frames) && packageOf(frames[inner+1].Func) == "sync" {
		inner++
	}
	own := slices.IndexFunc(frames, r.isOwn)
	if own < 0 {
		own = inner
	}
	p := Place{Function: frames[own].Func, File: frames[own].File, Line: int(frames[own].Line)}
	if frames[inner].Func != p.Function {
		p.Inner = frames[inner].Func
	}
	return p
}

// packageOf is the import path of a function's package.
func packageOf(function string) string {
	function, _, _ = strings.Cut(function, "[") // type arguments have paths too
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	return function[:slash] + name
}

// isRuntime reports whether a function belongs to Go and nobody calls it directly.
func isRuntime(function string) bool {
	pkg := packageOf(function)
	return pkg == "runtime" || pkg == "syscall" || strings.HasPrefix(pkg, "internal/") ||
		strings.HasPrefix(function, "net.(*netFD).") || strings.HasPrefix(function, "sync.runtime_")
}

// zeug is the module whose packages are a library to the application, except for examples and tests.
const zeug = "github.com/zeugkit/zeug/"

// isOwn reports whether a frame is in the code of the application, and not in that of Go, of Zeug, or
// of another module.
func (r *reader) isOwn(f trace.StackFrame) bool {
	pkg := packageOf(f.Func)
	switch rest, isZeug := strings.CutPrefix(pkg, zeug); {
	case f.Func == "" || f.File == "" || strings.HasPrefix(f.File, "<") || strings.HasPrefix(f.File, "_cgo"):
		return false
	case pkg == "main":
		return true
	case strings.Contains(f.File, "/pkg/mod/"), strings.Contains(f.File, "/vendor/"), strings.Contains(f.File, "@v"):
		return false
	case isZeug:
		return strings.HasPrefix(rest, "examples/") || strings.HasPrefix(rest, "docs/") || strings.HasSuffix(f.File, "_test.go")
	}
	return !r.isStandard(f, pkg)
}

// isStandard reports whether a frame is in a package of Go.
func (r *reader) isStandard(f trace.StackFrame, pkg string) bool {
	if r.hasRoot && r.root != "" {
		return strings.HasPrefix(f.File, r.root)
	}
	// The files have their import paths alone, as -trimpath leaves them.
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".")
}

// seeRoot finds the folder of Go's own packages: the files of package runtime are in it.
func (r *reader) seeRoot(stack trace.Stack) {
	for f := range stack.Frames() {
		if root, ok := strings.CutSuffix(f.File, "runtime/"+path.Base(f.File)); ok && packageOf(f.Func) == "runtime" {
			r.root, r.hasRoot = root, true
			return
		}
	}
}

// named describes a wait, without its duration.
func (r *reader) named(w wait) Wait {
	s := r.stackOf(w.stack)
	n := Wait{Kind: kindOf(w.reason, s), Place: s.place}
	waking := r.stackOf(w.wakerStack)
	switch {
	case w.reason == inSystem:
		n.Waker.Other = "the system"
	case w.reason == "sleep":
		n.Waker.Other = "a timer"
	case w.reason == "network" && !waking.has("internal/poll."):
		// A goroutine that looks for ready connections by chance, or none, made it runnable. If one
		// closes the connection, package poll is in its stack.
		n.Waker.Other = "the network"
		if n.Kind != w.reason {
			n.Waker.Other = "the system"
		}
	case w.waker != trace.NoGoroutine:
		n.Waker.Goroutine, n.Waker.Place = r.nameOf(w.waker, waking), waking.place
		if n.Waker.Place.Inner == "" && isChannel(w.reason) {
			n.Waker.Place.Inner = channelCall(waking)
		}
	case isChannel(w.reason):
		n.Waker.Other = "a timer"
	default:
		n.Waker.Other = "the runtime"
	}
	if n.Place.Inner == n.Kind {
		n.Place.Inner = ""
	}
	return n
}

// nameOf names a goroutine. If it is one that the request started, that place is known. It is named
// if the function is not the application's, such as one of package errgroup.
func (r *reader) nameOf(id trace.GoID, s *stack) Goroutine {
	g := r.goroutines[id]
	if g == nil || id == r.span.goroutine {
		return Goroutine{Function: s.outermost()}
	}
	begin := r.stackOf(g.begin)
	name := Goroutine{Function: begin.outermost()}
	if !slices.ContainsFunc(begin.frames, r.isOwn) {
		name.Started = r.stackOf(g.starter).place
	}
	return name
}

func isChannel(reason string) bool { return reason == "select" || strings.HasPrefix(reason, "chan ") }

// channelCall names what a goroutine did with a channel when it woke another.
func channelCall(s *stack) string {
	if len(s.frames) == 0 {
		return ""
	}
	switch innermost := s.frames[0].Func; innermost {
	case "runtime.chansend1":
		return "channel send"
	case "runtime.chanrecv1", "runtime.chanrecv2":
		return "channel receive"
	case "runtime.selectgo", "runtime.selectnbsend", "runtime.selectnbrecv":
		return "select"
	default:
		if isRuntime(innermost) {
			return ""
		}
		return "close" // alone it is not in the stack
	}
}

// kindOf says what a goroutine waited for.
func kindOf(reason string, s *stack) string {
	switch reason {
	case "chan send":
		return "channel send"
	case "chan receive":
		return "channel receive"
	case "sleep":
		return "time.Sleep"
	case "network":
		if s.has("os.(*File).") {
			return "file or pipe"
		}
		return "network"
	case "sync", "sync.(*Cond).Wait":
		return lockOf(s)
	case asBefore:
		if kind := lockOf(s); kind != "lock" {
			return kind
		}
		if kind := channelCall(s); kind != "" && kind != "close" {
			return kind
		}
	case "forever":
		return "nothing, forever"
	}
	if strings.HasPrefix(reason, "GC ") || reason == "wait until GC ends" {
		return "garbage collector"
	}
	return reason
}

// lockOf is the type of package sync that a goroutine waits for. If that one uses another, as a
// sync.Once uses a sync.Mutex, it is the one that is called from outside of the package.
func lockOf(s *stack) string {
	kind := "lock"
	for _, f := range s.frames {
		if packageOf(f.Func) == "sync" {
			if name, _, ok := strings.Cut(strings.TrimPrefix(f.Func, "sync.(*"), ")"); ok {
				kind = "sync." + name
			}
		} else if !isRuntime(f.Func) {
			break
		}
	}
	return kind
}
