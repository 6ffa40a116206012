// Package devtools is where package serving finds the debugger and the reloader, if the program
// imports serving/dev. Package serving cannot import them itself, because every program that serves
// would then link them, even in production.
package devtools

import (
	"context"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/zeugkit/zeug/internal/supervise"
)

// ImportPath is the package that registers the tools.
const ImportPath = "github.com/zeugkit/zeug/serving/dev"

// Tools is what serving/dev adds to a server.
type Tools struct {
	// CheckDebugger returns an error if the debugger must not run here, as in production.
	CheckDebugger func() error
	// Debug puts the debugger around an application.
	Debug func(app http.Handler, server Server) http.Handler
	// Reload builds the program that calls it from its source, and supervises it until ctx ends.
	Reload func(ctx context.Context, settings Reload) error
}

// Server holds the functions of the server that the debugger needs.
type Server struct {
	// Keeper returns the connection to a supervisor that can read cores, nil if there is none.
	Keeper func() *supervise.Conn
	// Terms returns what the supervisor agreed to, nil without a supervisor.
	Terms func() *supervise.Serve
}

// Reload holds the settings of a supervisor. The fields are the same as in serving.Options.
type Reload struct {
	Listen         []string
	SocketMode     fs.FileMode
	WrapListener   func(net.Listener) net.Listener
	Watch, Exclude []string
	Poll           time.Duration
	Logger         *slog.Logger
	Terminal       bool // standard error is a terminal
}

var registered *Tools

// Register registers the tools. The init function of serving/dev calls it.
func Register(tools *Tools) { registered = tools }

// Linked returns the tools, nil if the program does not import serving/dev.
func Linked() *Tools { return registered }
