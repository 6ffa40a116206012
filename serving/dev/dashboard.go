package dev

import (
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// debugger returns the debugger of serving.Options.Debug. A supervisor, if there is one, asks for the
// PIN and reads variables. The dashboard has the same path with and without a supervisor.
func (s *server) debugger() debugger.Debugger {
	folder := ""
	if own := supervise.Folder(); own != "" { // with a supervisor, failures outlive this process
		folder = filepath.Join(own, "failures")
	}
	return debugger.Debugger{Keep: s.keep, Dashboard: debugger.Dashboard{
		Path:    supervise.Prefix + supervise.DebuggerPath,
		Folder:  folder,
		Process: s.process,
		Requests: func() string {
			if s.Keeper() == nil {
				return ""
			}
			return supervise.Prefix + supervise.RequestsPath
		},
	}}
}

// process returns the facts about the process that the dashboard shows besides its build.
func (s *server) process() []debugger.Field {
	list := []debugger.Field{{Name: "process", Value: strconv.Itoa(os.Getpid())}}
	if path, err := os.Executable(); err == nil {
		list = append(list, debugger.Field{Name: "executable", Value: path})
	}
	terms := s.Terms()
	if terms == nil {
		return append(list, debugger.Field{Name: "supervisor", Value: "none: “zeug run” builds again after each change, and shows the variables of failures"})
	}
	list = append(list, debugger.Field{Name: "supervisor", Value: terms.Supervisor}, debugger.Field{Name: "run", Value: strconv.Itoa(supervise.Run())})
	if !terms.Built.IsZero() {
		list = append(list, debugger.Field{Name: "built", Value: terms.Built.Format(time.DateTime)})
	}
	return list
}
