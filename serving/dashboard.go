package serving

import (
	"os"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/serving/supervise"
)

// debugger is the one of Options.Debug: with variables and a PIN from the
// supervisor where there is one, and its dashboard at the same path with one and
// without.
func (s *Server) debugger() debugger.Debugger {
	return debugger.Debugger{Keep: s.keep, Dashboard: debugger.Dashboard{
		Path:    supervise.Prefix + supervise.DebuggerPath,
		Guarded: func() bool { terms := s.terms.Load(); return terms != nil && terms.Guarded },
		Process: s.process,
	}}
}

// process is what the dashboard says of the process besides its build.
func (s *Server) process() []debugger.Field {
	list := []debugger.Field{{Name: "process", Value: strconv.Itoa(os.Getpid())}}
	if path, err := os.Executable(); err == nil {
		list = append(list, debugger.Field{Name: "executable", Value: path})
	}
	terms := s.terms.Load()
	if terms == nil {
		return append(list, debugger.Field{Name: "supervisor", Value: "none: “zeug run” builds anew after each change, and shows the variables of failures"})
	}
	list = append(list, debugger.Field{Name: "supervisor", Value: terms.Supervisor}, debugger.Field{Name: "run", Value: strconv.Itoa(supervise.Run())})
	if !terms.Built.IsZero() {
		list = append(list, debugger.Field{Name: "built", Value: terms.Built.Format(time.DateTime)})
	}
	return list
}
