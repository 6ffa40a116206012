package reload

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/middleware/debugger/corefile"
	"github.com/zeugkit/zeug/serving/supervise"
)

// A process that dies of a panic or a fatal error is held at its first word (see
// supervise.EnvCrash) while a core of it is written: its frames and variables
// are then had as those of a request that failed are. That does not depend on
// how the system is set to leave cores, and leaves none anywhere else.

// crash is what is had of the end of a process.
type crash struct {
	traceback []byte
	core      string // the file
	err       error  // why there is none
}

const (
	// maxTraceback is how much of a traceback is kept: who died comes first.
	maxTraceback = 1 << 20
	// maxCore is how much memory a process may use for a core of it.
	maxCore = 1 << 30
	// lastWordsTime is how long after the end of a process somebody else may
	// keep the pipe open.
	lastWordsTime = time.Second
)

// watchCrash waits for the end of a process, at the other end of its pipe. With
// a path it writes a core there.
func (p *Process) watchCrash(r *os.File, path string) *crash {
	defer r.Close()
	c := &crash{}
	if !awaitText(r) {
		return c
	}
	p.dying.Store(true)
	if path != "" {
		if _, c.err = corefile.WriteOf(p.PID, path, maxCore); c.err == nil {
			c.core = path
		}
	}
	letGo(r)
	var text bytes.Buffer
	// Whatever comes, the process is not to wait for it to be read.
	_, _ = io.Copy(&text, io.LimitReader(r, maxTraceback))
	_, _ = io.Copy(io.Discard, r)
	c.traceback = text.Bytes()
	return c
}

// awaitEnd waits until a process that does not answer is gone, and reports false
// where nothing says that it is going. Who dies with much memory takes a while.
func (p *Process) awaitEnd() bool {
	for {
		select {
		case <-p.gone:
			return true
		case <-time.After(time.Second):
			if !p.dying.Load() {
				return false
			}
		}
	}
}

// lastWords makes a report of the end of a process that died, and has the core,
// if there is one, taken by who reads cores.
func (s *Supervisor) lastWords(p *Process, c *crash) {
	end := debugger.Crash{
		Output: p.output.String(), Traceback: string(c.traceback), Ended: p.err.Error(),
		Program: p.Executable, Dir: s.config.Program.Dir,
	}
	report, ok := end.Report()
	if !ok {
		if c.core != "" {
			os.Remove(c.core)
		}
		return
	}
	report.ID = strconv.Itoa(p.Number) + "-end"
	p.report = report
	switch {
	case !s.config.Frames:
		report.Variables = "To see the variables of each frame, and to evaluate expressions in them, run the program by “zeug run”."
	case c.core == "":
		report.Variables = "There are no variables: " + c.why()
	default:
		f := supervise.Failure{Key: report.ID, Core: c.core, Goroutine: report.Goroutine, Secret: rand.Text(), Frames: framesOf(report)}
		p.live = debugger.Live{URL: supervise.Prefix + supervise.FramesPath + f.Key + "/", Secret: f.Secret}
		data, err := json.Marshal(f)
		if err != nil { // it is made of texts and numbers; this cannot be
			report.Variables = err.Error()
			return
		}
		s.config.Receive(p, supervise.Message{Type: supervise.TypeFailure, Data: data})
	}
}

// why says what would bring a core.
func (c *crash) why() string {
	switch {
	case errors.Is(c.err, errors.ErrUnsupported), runtime.GOOS != "linux":
		return fmt.Sprintf("they are had on Linux alone, on amd64 and arm64, and this is %s/%s.", runtime.GOOS, runtime.GOARCH)
	case errors.Is(c.err, os.ErrPermission):
		return "this system lets no program read another's memory; “sysctl kernel.yama.ptrace_scope=1” lets a parent read its child's."
	case c.err != nil:
		return c.err.Error() + "."
	}
	return "the program did not say that it was dying. One that calls debug.SetCrashOutput itself, or does not serve by package serving, does not."
}

// framesOf lists the frames of a report as its page numbers them.
func framesOf(report *debugger.Report) (list []supervise.Frame) {
	add := func(goroutine int64, frames []debugger.Frame) {
		for _, f := range frames {
			list = append(list, supervise.Frame{Function: f.Function, File: f.File, Line: f.Line, Goroutine: goroutine})
		}
	}
	add(report.Goroutine, report.Frames)
	for _, g := range report.Others {
		add(g.ID, g.Frames)
	}
	return list
}

// failureOf says why a process is not there any more.
func (s *Supervisor) failureOf(p *Process, kind Kind) *Failure {
	return &Failure{
		Kind: kind, Command: s.commandLine(), Err: p.err, Output: p.output.String(), Problems: append(s.panics(p), s.raised(p)...),
		report: p.report, live: p.live,
	}
}

// serveReport answers with the debugger's page of a failure, if there is one
// and who asks may read it.
func (s *Supervisor) serveReport(w http.ResponseWriter, r *http.Request, f *Failure, status int, version string) bool {
	who := debugger.Debugger{Dashboard: debugger.Dashboard{Path: supervise.Prefix + supervise.DebuggerPath}}
	if f.report == nil || !who.MayRead(r) {
		return false
	}
	answer := &recorded{header: http.Header{}}
	who.Page(f.report, f.live, status).ServeHTTP(answer, r)
	resp := &http.Response{
		StatusCode: answer.status, Header: answer.header, ContentLength: int64(answer.body.Len()), Body: io.NopCloser(&answer.body),
	}
	// The page loads itself again when the source has changed.
	if err := s.inject(r, resp, version); err != nil {
		return false
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the client has gone: there is nobody to tell
	return true
}

// recorded is an answer that is changed before it is sent.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(b []byte) (int, error) { return r.body.Write(b) }

// corePath is where the core of a run's end is written, "" where nobody reads it.
func (s *Supervisor) corePath(number int) string {
	if !s.config.Frames {
		return ""
	}
	return filepath.Join(s.folder, "core-"+strconv.Itoa(number)+"-end")
}
