package capture

import (
	"debug/buildinfo"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/internal/secret"
)

// PostMortem is a panic of a request that another process has answered, perhaps on another machine,
// and of which it has kept a core. The command "zeug inspect" opens the core; [PostMortem.Report] makes
// a page of it.
type PostMortem struct {
	Time time.Time
	// Message is the value of the panic as text, and Type is its type.
	Message, Type string
	// Goroutine is the id of the goroutine that panicked. Stack is its stack as Go's runtime prints it.
	Goroutine int64
	Stack     string
	// Request is the request as the client sent it. Rule is the rule that matched, "" if that is not
	// known.
	Request *http.Request
	Rule    string
	// Log has the log records of the request as text, the oldest first.
	Log []string
	// Process has facts about the process, which the page shows with the build.
	Process []Field
	// Program is the path of the executable. Dir is a folder of its module; source files are looked
	// for there if the program was built with -trimpath.
	Program, Dir string
}

// Report describes the panic. Secrets are masked as on other pages.
func (p PostMortem) Report() *Report {
	list := parseTraceback(p.Stack)
	src := sourcesOf(p.Program, p.Dir, list)
	rep := &Report{
		ID: "core", Time: p.Time, Panicked: true, Type: p.Type, Message: secret.Text(p.Message, Masked, secret.Name),
		Goroutine: p.Goroutine, Request: facts(p.Request, secret.Name, nil), Rule: p.Rule, PostMortem: true, Build: p.Process,
	}
	for _, line := range p.Log {
		rep.Log = append(rep.Log, secret.Text(line, Masked, secret.Name))
	}
	if len(list) > 0 {
		rep.Frames = src.complete(shortened(foldCycles(src.raised(list[0].Frames))))
	}
	if info, err := buildinfo.ReadFile(p.Program); err == nil {
		rep.Build = append(rep.Build, buildFields(info)...)
	}
	return rep
}
