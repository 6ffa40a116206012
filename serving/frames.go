package serving

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/middleware/debugger/corefile"
	"github.com/zeugkit/zeug/serving/supervise"
)

// Without a core there are no variables. These say what would bring them, as
// the debugger's page shows it.
var (
	errNoSupervisor = errors.New("To see the variables of each frame, and to evaluate expressions in them, run the program by “zeug run”.")
	errNoCore       = fmt.Errorf("The variables of frames are had on Linux alone, on amd64 and arm64; this is %s/%s.", runtime.GOOS, runtime.GOARCH)
)

// keep writes a core of the process at a failure, and returns what hands it to
// the supervisor, which reads variables from it.
func (s *Server) keep(id string) (func(*debugger.Report) (debugger.Live, error), error) {
	c := s.keeper.Load()
	if c == nil {
		return nil, errNoSupervisor
	}
	key := fmt.Sprintf("%d-%s", supervise.Run(), id)
	failure := supervise.Failure{Key: key, Core: filepath.Join(supervise.Folder(), "core-"+key), Secret: rand.Text()}
	var err error
	_, failure.Goroutine, err = corefile.Write(failure.Core, 0)
	switch {
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
