package debugger

import (
	"github.com/zeugkit/zeug/middleware/debugger/internal/capture"
	"github.com/zeugkit/zeug/middleware/debugger/internal/page"
)

// Report is everything that the debugger knows about one failure. The page, the text and the JSON
// show the same Report. Its fields are
//
//	ID          string        names the failure in the log and in links
//	Time        time.Time     when it happened
//	Panicked    bool          the application panicked, and did not return an error
//	Type        string        the Go type of the error, or of the value that it panicked with
//	Message     string        the error's message, or the value as fmt prints it
//	Value       *Value        a panic's value that is neither an error nor a string
//	Causes      []Cause       the tree of errors, with the reported one first
//	Frames      []Frame       the stack, newest first
//	Origin      string        what Frames shows, in a sentence; "" for a panic
//	Request     RequestFacts  the failed request
//	Rule, Args                the routing rule that matched (string), and its variables ([]*Value)
//	Exchange    int           the number of the request in the list of "zeug run", 0 without one
//	Build       []Field       the main module, its version, Go's version, the build settings
//	Goroutine   int64         the id of the goroutine that failed, 0 if it is not known
//	Goroutines  int           how many there were
//	Stacks      string        their stacks as the runtime prints them; not in the JSON
//	Variables   string        why the frames have no variables, "" if they have some
//	Fate        string        why no page could be sent, if none could
//	PostMortem  bool          it was made from a [PostMortem]
//	Log         []string      the log records of the request then, the oldest first
//
// and of a [Crash] also
//
//	Ended       string        how the process ended, "" if it is still running
//	Requests    []Field       the requests that were not answered, the oldest first
//	Output      string        the end of what the process printed
//	Others      []Goroutine   the other goroutines, each stack once
//	More        int           how many of them are left out
//
// In the JSON the names are in lower case with underscores, such as "post_mortem".
type Report = capture.Report

// Cause is one error in the tree of errors. Its fields are
//
//	Type, Message  string   the Go type, and what Error returns
//	Depth          int      how many levels below the reported error it is
//	Cyclic         bool     it wraps itself, and is also further up
//	Frames         []Frame  where it was made, if it knows that
//	Fields         *Value   the fields of its type, without the errors that it wraps
type Cause = capture.Cause

// Frame is one function call of a stack. Its fields are
//
//	Function       string        with its package's path
//	File, Line                   string and int
//	Library        bool          the function is not the application's
//	Template       bool          File is a template; Column (int) is where the mistake is, 0 if it is not known
//	Panicked       bool          it panicked, and another panic followed before this one was handled
//	Hidden         bool          its package is one of [Debugger.Hide]
//	Repeated       int           how many more times it called itself, which is not listed
//	Cycle          int           if set, how many frames from this one on are repeated instead
//	Omitted        int           how many calls before the newer frame are left out
//	Values         []*Value      the names that were passed to a template
//	Source         []SourceLine  the lines around Line
type Frame = capture.Frame

// SourceLine is one line of a frame's source: its Number (int) and Text, and whether it is the
// Current one.
type SourceLine = capture.SourceLine

// Goroutine is a goroutine with its ID (int64), its State and its Frames. Alike is how many others
// have the same stack.
type Goroutine = capture.Goroutine

// RequestFacts is what the page shows about the request: the strings Method, URL, Protocol, Client,
// Host and RootPath; the lists of [Field] Query, Headers, Cookies, Form and Files; and whether the
// form could be read, FormParsed. Values of secrets are masked, see [Debugger.Secret].
type RequestFacts = capture.RequestFacts

// Field is a Name with its Value, as a row of a table. Both are strings.
type Field = capture.Field

// Crash is the end of a whole process: a panic that no request caught, two goroutines that write to
// a map at once, a signal. The supervisor that started the process fills its fields, all strings:
// the Output, the Traceback if it is not in it, how it Ended, the path of its Program, and a folder
// of its module as Dir. The method Report turns it into a [Report].
type Crash = capture.Crash

// PostMortem is a panic of a request that another process has answered, perhaps on another machine,
// and of which it has kept a core. The command "zeug inspect" opens the core, and the method Report
// makes a page of it. Its fields are
//
//	Time           time.Time
//	Message, Type  string         the value of the panic as text, and its type
//	Goroutine      int64          the id of the goroutine that panicked
//	Stack          string         its stack as the runtime prints it
//	Request        *http.Request  as the client sent it
//	Rule           string         the rule that matched, "" if that is not known
//	Log            []string       the log records of the request, the oldest first
//	Process        []Field        facts about the process
//	Program, Dir   string         the path of the executable, and a folder of its module
type PostMortem = capture.PostMortem

// Live is where a page gets the variables of its frames: the URL, and the Secret that each request
// needs. Both are strings.
type Live = page.Live
