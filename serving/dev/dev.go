// Package dev links the development tools into a program that package serving runs: the debugger
// (serving.Options.Debug), and the supervisor that builds and restarts the program after a change
// (serving.Options.Reload). A program imports it only for that effect:
//
//	import _ "github.com/zeugkit/zeug/serving/dev"
//
// Without the import the executable has neither of them, as production needs, and serving.Run
// returns an error if one of those options is set.
//
// "zeug run" adds the import while it builds, so a program that you develop with it needs no
// change. To import the package in some builds only, put the import into a separate file with a
// build constraint.
package dev

import (
	"net/http"

	"github.com/zeugkit/zeug/internal/devtools"
	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/internal/supervise"
)

func init() {
	if supervise.Folder() != "" {
		// Loggers that the program derives from the default one are made after this.
		recording.Logs = recordLogs
		followDefault()
	}
	devtools.Register(&devtools.Tools{
		CheckDebugger: func() error { return (&server{}).debugger().Check() },
		Debug: func(app http.Handler, s devtools.Server) http.Handler {
			own := &server{s}
			return own.tellFacts(own.debugger().Wrap(app))
		},
		Reload: reloadProgram,
	})
}

// server is the server for which the debugger works.
type server struct{ devtools.Server }
