// Package recording connects code that serves requests with the code that records the course of a
// request, for the request's page under "zeug run". In production only this package is linked:
// without a supervisor nothing is recorded, and checking that costs one look at a variable.
package recording

import (
	"context"
	"log/slog"
	"sync/atomic"
)

// Recorder records what happens while one request is served. Its methods may be called by many
// goroutines at once, and do nothing once the request is over.
type Recorder interface {
	// Begin notes that something begins, and returns the number to pass to End. A negative number
	// means that it is not recorded.
	Begin(kind, name string) int
	End(number int)
	// Fail notes the path of the page of the request's failure, and what failed.
	Fail(page, what string)
}

// Key is the key of the Recorder in the context of a request.
type Key struct{}

var on atomic.Bool

// Enable makes Of look for recorders.
func Enable() { on.Store(true) }

// On reports whether requests may have a Recorder.
func On() bool { return on.Load() }

// Of returns the Recorder of the request that ctx belongs to, nil if there is none.
func Of(ctx context.Context) Recorder {
	if !on.Load() || ctx == nil {
		return nil
	}
	r, _ := ctx.Value(Key{}).(Recorder)
	return r
}

// Logs returns a handler that passes records on to next, and also gives the records of a request to
// its Recorder. It is nil if the program does not link the code that records them.
var Logs func(next slog.Handler) slog.Handler
