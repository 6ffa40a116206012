package dev

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zeugkit/zeug/internal/corefile"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// Without a core there are no variables. These errors say on the debugger's page what is needed to
// get them.
var (
	errNoSupervisor = errors.New("To see the variables of each frame, and to evaluate expressions in them, run the program by “zeug run”.")
	errNoCore       = fmt.Errorf("The variables of frames are available on Linux alone, on amd64 and arm64; this is %s/%s.", runtime.GOOS, runtime.GOARCH)
)

// errBusy says why one of many failures has no variables.
var errBusy = errors.New("There are no variables: other requests failed at the same moment, and one core is written at a time. Run the request again to see them.")

// errCollected says why a failure has no variables: they might be wrong. The garbage collector frees
// variables that no later line of the failed functions uses, and their memory is soon reused.
var errCollected = errors.New("There are no variables: the garbage collector ran before they were kept. Run the request again to see them.")

const (
	// coreWait is how long a failure waits for its turn to write a core.
	coreWait = 300 * time.Millisecond
	// coreGap is the time between two cores, in which the garbage collector can
	// free the memory of failures; it does not run while a core is written.
	coreGap = 200 * time.Millisecond
)

// coreTurn holds an element while a core is written, and for coreGap after it.
var coreTurn = make(chan struct{}, 1)

// writeCore writes a core of this process, one at a time.
func writeCore(path string) (goroutine int64, err error) {
	corefile.Aside(func() {
		before := corefile.Collections()
		if err = takeTurn(coreWait); err != nil {
			return
		}
		defer time.AfterFunc(coreGap, func() { <-coreTurn })
		// A collection that is running now ends before Write pauses the collector.
		if _, _, err = corefile.Write(path, 0); err == nil && corefile.Collections() != before {
			err = errors.Join(errCollected, os.Remove(path))
		}
	})
	return corefile.GoroutineID(), err
}

// takeTurn waits until no other core is written. It fails if the garbage collector has run
// meanwhile.
func takeTurn(patience time.Duration) error {
	before := corefile.Collections()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case coreTurn <- struct{}{}:
	case <-timeout.C:
		return errBusy
	}
	if corefile.Collections() != before {
		<-coreTurn
		return errCollected
	}
	return nil
}

// keep writes a core of the process at a failure. It returns a function that
// passes the core to the supervisor, which reads variables from it.
func (s *server) keep(id string) (func(*debugger.Report) (debugger.Live, error), error) {
	c := s.Keeper()
	if c == nil {
		return nil, errNoSupervisor
	}
	key := fmt.Sprintf("%d-%s", supervise.Run(), id)
	failure := supervise.Failure{Key: key, Core: filepath.Join(supervise.Folder(), "core-"+key), Secret: rand.Text()}
	var err error
	failure.Goroutine, err = writeCore(failure.Core)
	switch {
	case errors.Is(err, errBusy), errors.Is(err, errCollected):
		return nil, err
	case errors.Is(err, errors.ErrUnsupported):
		return nil, errNoCore
	case err != nil:
		return nil, fmt.Errorf("There are no variables: %w.", err)
	}
	return func(rep *debugger.Report) (debugger.Live, error) {
		if rep == nil {
			return debugger.Live{}, os.Remove(failure.Core)
		}
		for _, f := range rep.Frames {
			failure.Frames = append(failure.Frames, supervise.Frame{Function: f.Function, File: f.File, Line: f.Line})
		}
		if err := c.Send(supervise.TypeFailure, failure); err != nil {
			return debugger.Live{}, fmt.Errorf("There are no variables: %w.", err)
		}
		return debugger.Live{URL: supervise.Prefix + supervise.FramesPath + key + "/", Secret: failure.Secret}, nil
	}, nil
}
