package debugger

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/gateway"
)

// Report is everything the debugger knows of one failure. The page, the text
// and the JSON show the same Report.
type Report struct {
	// ID names the failure in the log and in links: "f3", unique in a process.
	ID string `json:"id"`
	// Time is when it happened.
	Time time.Time `json:"time"`
	// Panicked says that the application panicked, and did not return an error.
	Panicked bool `json:"panicked"`
	// Type is the Go type of the error or of the value it panicked with.
	Type string `json:"type"`
	// Message is the error's text, or the value as fmt prints it.
	Message string `json:"message"`
	// Causes is the tree of errors, the reported one first. It is empty where
	// a panic's value is no error.
	Causes []Cause `json:"causes,omitempty"`
	// Frames is the stack, newest first: of the panic, or of where the error
	// was made if one in its chain knows, or else of where it was handed over.
	Frames []Frame `json:"frames"`
	// Origin says what Frames shows, in a sentence; "" for a panic.
	Origin string `json:"origin,omitempty"`
	// Request is what was asked.
	Request RequestFacts `json:"request"`
	// Rule is the routing rule that matched, if any, and Args its variables.
	Rule string  `json:"rule,omitempty"`
	Args []Field `json:"args,omitempty"`
	// Build names the main module, its version, Go's, and the build settings.
	Build []Field `json:"build,omitempty"`
	// Goroutine is the id of the goroutine that failed; 0 is unknown.
	Goroutine int64 `json:"goroutine,omitempty"`
	// Goroutines is how many there were, and Stacks their stacks as the
	// runtime prints them.
	Goroutines int    `json:"goroutines"`
	Stacks     string `json:"-"`
	// Variables says why the frames have no variables, and what would bring
	// them; "" when they have.
	Variables string `json:"variables,omitempty"`
	// Started says that the answer had begun when the failure came, so that no
	// page could be sent.
	Started bool `json:"started,omitempty"`

	// The rest is of a [Crash], whose Request is empty.

	// Ended is how the process ended; "" where it goes on.
	Ended string `json:"ended,omitempty"`
	// Output is the end of what the process printed.
	Output string `json:"output,omitempty"`
	// Others are the goroutines beside the one that failed, each stack once,
	// and More is how many are left out of them.
	Others []Goroutine `json:"others,omitempty"`
	More   int         `json:"more,omitempty"`
}

// maxStacks bounds the text of all goroutines' stacks, in bytes.
const maxStacks = 256 << 10

// templateError is an error that knows its place in a template, as
// templates.Error does.
type templateError interface {
	error
	// Place returns the template's name, the line and column of the mistake,
	// each from 1 or 0 for unknown, and the template's whole text or "".
	Place() (name string, line, column int, source string)
}

// newReport describes a failure: value is the error that was returned or the
// value of the panic, pcs the stack where that was noticed.
func newReport(r *http.Request, value any, panicked bool, pcs []uintptr, secret func(string) bool) *Report {
	rep := &Report{
		Time:       time.Now(),
		Panicked:   panicked,
		Type:       fmt.Sprintf("%T", value),
		Goroutine:  goroutineID(),
		Goroutines: runtime.NumGoroutine(),
		Request:    facts(r, secret),
		Build:      buildFacts(),
	}
	if value == nil {
		rep.Type = "nil"
	}
	if route := gateway.RouteOf(r); route != nil {
		rep.Rule = route.Pattern
		if route.Args != nil {
			for name, arg := range route.Args() {
				text := fmt.Sprint(arg)
				if secret(name) {
					text = masked
				}
				rep.Args = append(rep.Args, Field{name, text})
			}
			byName(rep.Args)
		}
	}
	src := &sources{program: self()}
	if err, ok := value.(error); ok {
		rep.Message = message(err)
		rep.Causes = src.causes(err)
	} else {
		rep.Message = fmt.Sprintf("%v", value)
	}

	raised, found := panicking(pcs)
	switch {
	case found:
		// A panic somewhere below, even if a middleware has made an error of it.
		rep.Panicked = true
		rep.Frames = src.frames(raised)
	default:
		rep.Frames = src.frames(pcs)
		rep.Origin = "The error does not know where it was made. This is where it was handed over to be answered."
		for _, cause := range rep.Causes {
			if len(cause.Frames) > 0 {
				rep.Frames = cause.Frames
				rep.Origin = "Where the error was made."
				rep.Variables = "The functions have returned since, and their variables are gone."
			}
		}
	}
	for _, cause := range rep.Causes {
		if e, ok := cause.err.(templateError); ok {
			name, line, _, text := e.Place()
			frame := Frame{Function: "template", File: name, Line: line, Template: true, Source: excerpt(plain(text), line)}
			rep.Frames = append([]Frame{frame}, rep.Frames...)
			break
		}
	}
	return rep
}

// goroutineID is the number in the first line of the goroutine's stack,
// "goroutine 42 [running]:".
func goroutineID() int64 {
	var buf [32]byte
	line := buf[:runtime.Stack(buf[:], false)]
	line = bytes.TrimPrefix(line, []byte("goroutine "))
	digits, _, _ := bytes.Cut(line, []byte(" "))
	id, _ := strconv.ParseInt(string(digits), 10, 64)
	return id
}

// allStacks is the text of every goroutine's stack, cut at maxStacks.
func allStacks() string {
	buf := make([]byte, maxStacks)
	return string(buf[:runtime.Stack(buf, true)])
}

func buildFacts() []Field {
	fields := buildFields(build())
	fields[0].Value = runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH
	return fields
}

func buildFields(info *debug.BuildInfo) []Field {
	list := []Field{{"go", info.GoVersion}}
	if info.Main.Path != "" {
		list = append(list, Field{"module", strings.TrimSpace(info.Main.Path + " " + info.Main.Version)})
	}
	if info.Path != "" {
		list = append(list, Field{"package", info.Path})
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "-gcflags", "-ldflags", "-tags", "-trimpath", "-race", "vcs.revision", "vcs.time", "vcs.modified":
			list = append(list, Field{setting.Key, setting.Value})
		}
	}
	return list
}

// Title is the failure in one line: its type and the first line of its message.
func (rep *Report) Title() string {
	first, _, _ := strings.Cut(rep.Message, "\n")
	if rep.Panicked {
		return "panic: " + first
	}
	return first
}

// Text is the report as plain text, the traceback of the log. No byte of it can
// move a terminal's cursor or change its colours.
func (rep *Report) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(visibleLines(fmt.Sprintf(format, args...)))
		b.WriteByte('\n')
	}
	kind := "error"
	if rep.Panicked {
		kind = "panic"
	}
	title := kind + ": "
	if rep.Ended != "" && !rep.Panicked {
		title = "" // it says itself what it is
	}
	title += strings.ReplaceAll(rep.Message, "\n", "\n\t")
	if rep.Type != "" {
		title += " (" + rep.Type + ")"
	}
	line("%s", title)
	for i, cause := range rep.Causes {
		if i > 0 {
			line("%scaused by: %s (%s)", strings.Repeat("  ", cause.Depth), visible(cause.Message), cause.Type)
		}
	}
	line("")
	if rep.Ended != "" {
		line("the program ended: %s", visible(rep.Ended))
	} else {
		line("%s %s from %s", visible(rep.Request.Method), visible(rep.Request.URL), visible(rep.Request.Client))
	}
	if rep.Rule != "" {
		line("matched %s", visible(rep.Rule))
	}
	if rep.Origin != "" {
		line("%s", rep.Origin)
	}
	line("")
	stack := func(frames []Frame) {
		for _, frame := range frames {
			line("%s", visible(frame.Function))
			if frame.Line == 0 {
				line("\t%s", visible(frame.File))
				continue
			}
			line("\t%s:%d", visible(frame.File), frame.Line)
			for _, source := range frame.Source {
				if source.Current && !frame.Library {
					line("\t    %s", strings.TrimSpace(visible(source.Text)))
				}
			}
		}
	}
	stack(rep.Frames)
	for _, g := range rep.Others {
		line("")
		alike := ""
		if g.Alike > 0 {
			alike = fmt.Sprintf(", and %d alike", g.Alike)
		}
		line("goroutine %d [%s]%s:", g.ID, visible(g.State), alike)
		stack(g.Frames)
	}
	if rep.Started {
		line("")
		line("The answer had begun: the client got its first part and then an aborted connection.")
	}
	return b.String()
}
