// Package capture takes a failure of a request, and makes a report of it: the error with what it wraps, the stack
// with its source, the request with its secrets masked.
//
//	pcs := capture.Callers(0)                    in the deferred function, on top of the stack that panicked
//	report := capture.New(r, recover(), true, pcs, settings)
//	report.Text()                                the traceback of the log
//
// [Crash] and [PostMortem] make the same report of a process that has ended, from what it has printed or
// written. It knows nothing of HTML pages.
package capture

import (
	"bytes"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

// Report is everything that is known about one failure. The page, the
// text and the JSON show the same Report.
type Report struct {
	// ID names the failure in the log and in links: "f3", unique in a process,
	// and among the processes that share a folder of kept pages.
	ID string `json:"id"`
	// Time is when it happened.
	Time time.Time `json:"time"`
	// Panicked says that the application panicked, and did not return an error.
	Panicked bool `json:"panicked"`
	// Type is the Go type of the error or of the value it panicked with.
	Type string `json:"type"`
	// Message is the error's message, or the value as fmt prints it.
	Message string `json:"message"`
	// Value describes a panic's value that is neither an error nor a string.
	Value *Value `json:"value,omitempty"`
	// Causes is the tree of errors, with the reported one first. It is empty if a panic's value is
	// not an error.
	Causes []Cause `json:"causes,omitempty"`
	// Frames is the stack, newest first. It is the stack of the panic, or of the place where the
	// error was made if an error in its chain knows that place. Otherwise it is the stack of the
	// place where the error was returned.
	Frames []Frame `json:"frames"`
	// Origin says in one sentence what Frames shows; "" for a panic.
	Origin string `json:"origin,omitempty"`
	// Request is the failed request.
	Request RequestFacts `json:"request"`
	// Rule is the routing rule that matched, if any, and Args are its variables.
	Rule string   `json:"rule,omitempty"`
	Args []*Value `json:"args,omitempty"`
	// Exchange is the number of the request in the list of "zeug run", 0 without one.
	Exchange int `json:"exchange,omitempty"`
	// Build names the main module, its version, Go's version, and the build settings.
	Build []Field `json:"build,omitempty"`
	// Goroutine is the id of the goroutine that failed; 0 if it is not known.
	Goroutine int64 `json:"goroutine,omitempty"`
	// Goroutines is how many there were, and Stacks has their stacks as the
	// runtime prints them.
	Goroutines int    `json:"goroutines"`
	Stacks     string `json:"-"`
	// Variables says why the frames have no variables, and what is needed to get them; "" if they
	// have some.
	Variables string `json:"variables,omitempty"`
	// Fate says, in a sentence, why no page could be sent, if none could.
	Fate string `json:"fate,omitempty"`
	// PostMortem says that the process has gone on elsewhere: see [PostMortem].
	PostMortem bool `json:"post_mortem,omitempty"`
	// Log has the log records of the request, the oldest first, if PostMortem is set.
	Log []string `json:"log,omitempty"`

	// The remaining fields are those of a [Crash]; its Request is empty.

	// Ended is how the process ended; "" if it is still running.
	Ended string `json:"ended,omitempty"`
	// Requests are the requests that the process had not answered, oldest first: the method, the
	// path, and how long ago each arrived.
	Requests []Field `json:"requests,omitempty"`
	// Output is the end of what the process printed.
	Output string `json:"output,omitempty"`
	// Others are the other goroutines, each stack once, and More is how many are left out.
	Others []Goroutine `json:"others,omitempty"`
	More   int         `json:"more,omitempty"`
}

// maxStacks bounds the text of all goroutines' stacks, in bytes.
const maxStacks = 256 << 10

// Settings are the settings of the debugger on which a report depends.
type Settings struct {
	// Secret says which names have values that are masked.
	Secret func(name string) bool
	// Hide has the packages whose frames are folded.
	Hide []string
}

// New describes a failure: value is the error that was returned or the value of the panic, and pcs is the stack
// where that was noticed. If a part of it cannot be described, that does not hide the failure itself.
func New(r *http.Request, value any, panicked bool, pcs []uintptr, settings Settings) (rep *Report) {
	defer func() {
		if p := recover(); p != nil {
			rep = &Report{
				Time: time.Now(), Panicked: panicked, Type: dump.TypeName(value), Message: dump.Printed(value),
				Frames: bareFrames(pcs), Goroutine: goroutineID(), Goroutines: runtime.NumGoroutine(),
				Origin: "The rest of the report is missing: making it panicked with " + dump.Printed(p) + ".",
			}
		}
	}()
	return described(r, value, panicked, pcs, settings)
}

func described(r *http.Request, value any, panicked bool, pcs []uintptr, settings Settings) *Report {
	src := &sources{program: self(), hide: settings.Hide, Reader: dump.NewReader(settings.Secret)}
	value, carried := recovered(value)
	rep := &Report{
		Time:       time.Now(),
		Panicked:   panicked,
		Type:       dump.TypeName(value),
		Message:    src.Print(value),
		Goroutine:  goroutineID(),
		Goroutines: runtime.NumGoroutine(),
		Build:      BuildFacts(),
	}
	var secrets []string
	rep.Rule, rep.Args, secrets = matched(r, src, settings.Secret)
	rep.Request = facts(r, settings.Secret, secrets)
	switch v := value.(type) {
	case error:
		rep.Causes = src.causes(v)
	case string, nil:
	default:
		if shown := src.Dumper(dump.PageValues).Inside(v); len(shown.Inside) > 0 || shown.Whole != "" {
			rep.Value = shown
		}
	}
	rep.trace(src, pcs, carried)
	for _, cause := range rep.Causes {
		if frame, ok := templateFrame(cause); ok {
			frame.Values = src.variables(cause.err, settings.Secret)
			rep.Frames = append([]Frame{frame}, rep.Frames...)
			break
		}
	}
	for i := range rep.Causes {
		rep.Causes[i].err = nil // a report may be kept for long, but the values in the application's errors must not be
	}
	return rep
}

// matched is the rule that a router found, its variables, and which of their values are secret.
func matched(r *http.Request, src *sources, secret func(string) bool) (rule string, args []*Value, secrets []string) {
	route := gateway.RouteOf(r)
	if route == nil {
		return "", nil, nil
	}
	if route.Params != nil {
		for name, arg := range route.Params() {
			value := src.Dumper(dump.FieldValues).Of(arg)
			if text := dump.Cut(src.Print(arg), MaxField); secret(name) && text != "" {
				secrets, value = append(secrets, text), &Value{Type: value.Type, Text: Masked}
			}
			value.Name = name
			args = append(args, value)
		}
		slices.SortStableFunc(args, func(a, b *Value) int { return strings.Compare(a.Name, b.Name) })
	}
	return route.Pattern, args, secrets
}

// recovered looks in an error's tree for a panic that was converted to an error, which has a method
// Recovered() any. It returns the panic's value and, if the error knows it, the stack of the
// goroutine that panicked.
func recovered(value any) (any, []uintptr) {
	err, ok := value.(error)
	if !ok {
		return value, nil
	}
	var pcs []uintptr
	walk(err, func(err error, _ int, _ bool) {
		if p, ok := err.(interface{ Recovered() any }); ok {
			value = p.Recovered()
			if pcs = stackOf(err); pcs != nil {
				pcs, _ = panicking(pcs)
			}
		}
	})
	return value, pcs
}

// trace finds the frames to show. They are the frames of a panic, even if a middleware has turned it
// into an error or carried it here from another goroutine. Otherwise they are those of the place
// where the innermost error was made, if an error knows it.
func (rep *Report) trace(src *sources, pcs, carried []uintptr) {
	const gone = "The functions have returned since, and their variables are gone."
	if carried != nil {
		rep.Panicked = true
		rep.Frames = src.frames(carried)
		rep.Origin = "Another goroutine panicked, here, and the panic was carried to the one of the request."
		rep.Variables = gone
		return
	}
	if raised, ok := panicking(pcs); ok {
		rep.Panicked = true
		rep.Frames = src.frames(raised)
		return
	}
	made := -1
	for i, cause := range rep.Causes {
		if len(cause.Frames) > 0 && (made < 0 || cause.Depth > rep.Causes[made].Depth) {
			made = i
		}
	}
	if made >= 0 {
		rep.Frames = rep.Causes[made].Frames
		rep.Origin = "Where the error was made."
		rep.Variables = gone
		return
	}
	rep.Frames = src.frames(pcs)
	rep.Origin = "The error does not know where it was made. This is where it was handed over to be answered; httperror.Wrap, where it is made, would tell."
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

// AllStacks is the text of every goroutine's stack, cut at maxStacks.
func AllStacks() string {
	buf := make([]byte, maxStacks)
	return string(buf[:runtime.Stack(buf, true)])
}

func BuildFacts() []Field {
	fields := buildFields(place.Build())
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
	if first = dump.Cut(first, 200); rep.Panicked && !strings.HasPrefix(first, "panic: ") {
		return "panic: " + first
	}
	return first
}

// Value is a value as the page shows it.
type Value = dump.Value
