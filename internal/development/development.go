// Package development reports whether the program runs on its developer's machine, where it is
// better to show a mistake at once than to log it.
package development

import (
	"context"
	"os"
	"sync/atomic"
)

// envSupervisor is set for the programs of "zeug run" and of the reloader.
const envSupervisor = "ZEUG_SUPERVISOR"

var on atomic.Bool

func init() { on.Store(os.Getenv(envSupervisor) != "") }

// On reports whether the program is supervised by "zeug run" or the reloader, or has
// the debugger.
func On() bool { return on.Load() }

// Enter makes On true from now on. The debugger calls it.
func Enter() { on.Store(true) }

// Set makes On return what a test needs. It returns a function that restores the old value.
func Set(value bool) (restore func()) {
	was := on.Swap(value)
	return func() { on.Store(was) }
}

type debuggerKey struct{}

// WithDebugger returns a context of a request whose unexpected failures a debugger shows.
func WithDebugger(ctx context.Context) context.Context {
	return context.WithValue(ctx, debuggerKey{}, true)
}

// Debugging reports whether a debugger shows the unexpected failures of a request. A page for such
// failures must leave them to the debugger.
func Debugging(ctx context.Context) bool { return ctx.Value(debuggerKey{}) != nil }
