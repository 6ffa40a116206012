package debugger

import (
	"github.com/zeugkit/zeug/middleware/debugger/internal/capture"
	"github.com/zeugkit/zeug/middleware/debugger/internal/page"
)

// The types of what a failure's page shows.
type (
	// Report is everything that the debugger knows about one failure: the error with what it wraps in Causes, the
	// stack in Frames, the Request. The page, the text and the JSON show the same Report.
	Report = capture.Report
	// Cause is one error in the tree of errors.
	Cause = capture.Cause
	// Frame is one function call of a stack, with its File, Line and Source.
	Frame = capture.Frame
	// SourceLine is one line of a frame's source: its Number and Text, and whether it is the Current one.
	SourceLine = capture.SourceLine
	// Goroutine is a goroutine with its State and Frames.
	Goroutine = capture.Goroutine
	// RequestFacts is what the page shows about the request. Values of secrets are masked, see [Debugger.Secret].
	RequestFacts = capture.RequestFacts
	// Field is a Name with its Value, as a row of a table.
	Field = capture.Field
	// Crash is the end of a whole process: a panic that no request caught, two goroutines that write to a map at once,
	// a signal. The supervisor that started the process reports it; its method Report turns it into a [Report].
	Crash = capture.Crash
	// PostMortem is a panic of a request that another process has answered, perhaps on another machine, and of which
	// it has kept a core. The command "zeug inspect" opens the core; the method Report makes a page of it.
	PostMortem = capture.PostMortem
	// Live is where a page gets the variables of its frames: the URL, and the Secret that each request needs.
	Live = page.Live
)
