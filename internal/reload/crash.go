package reload

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/zeugkit/zeug/internal/corefile"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

// If a process dies of a panic or a fatal error, it is stopped at its first message (see
// supervise.EnvCrash) while a core of it is written. So its frames and variables can be read like
// those of a request that failed. That does not depend on the system's settings for cores, and
// leaves no core anywhere else.

// crash holds the facts about the end of a process.
type crash struct {
	traceback []byte
	core      string // the file
	err       error  // why there is no core
	lost      []debugger.Field
}

const (
	// maxTraceback is how many bytes of a traceback are kept: the goroutine that died comes first.
	maxTraceback = 1 << 20
	// maxCore is how much memory a process may use so that a core of it is written.
	maxCore = 1 << 30
	// lastWordsTime is how long after the end of a process another one may keep the pipe open.
	lastWordsTime = time.Second
)

// watchCrash waits for the end of a process at the other end of the process's
// pipe. If path is not empty, it writes a core there.
func (p *Process) watchCrash(r *os.File, path string) *crash {
	defer r.Close()
	c := &crash{}
	if !awaitText(r) {
		return c
	}
	p.dying.Store(true)
	c.lost = p.onTheirWay() // as long as their connections are open
	if path != "" {
		if _, c.err = corefile.WriteOf(p.PID, path, maxCore); c.err == nil {
			c.core = path
		}
	}
	letGo(r)
	var text bytes.Buffer
	// Whatever happens, the process must not have to wait for a reader.
	_, _ = io.Copy(&text, io.LimitReader(r, maxTraceback))
	_, _ = io.Copy(io.Discard, r)
	c.traceback = text.Bytes()
	return c
}

// awaitEnd waits until a process that does not answer has ended; it returns false if nothing shows
// that the process is ending. A process with much memory takes some time to die.
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

// lastWords makes a report about a process that died. If there is a core, the reader of cores gets
// it.
func (s *Supervisor) lastWords(p *Process, c *crash) {
	if c.lost != nil {
		p.lost = c.lost
	}
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
	report.Requests = p.lost
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
		if err != nil { // it is made of strings and numbers, so this cannot fail
			report.Variables = err.Error()
			return
		}
		s.config.Receive(p, supervise.Message{Type: supervise.TypeFailure, Data: data})
	}
}

// why returns the text that says what is needed to get a core.
func (c *crash) why() string {
	switch {
	case errors.Is(c.err, errors.ErrUnsupported), runtime.GOOS != "linux":
		return fmt.Sprintf("they exist on Linux alone, on amd64 and arm64, and this is %s/%s.", runtime.GOOS, runtime.GOARCH)
	case errors.Is(c.err, os.ErrPermission):
		return "this system lets no program read another's memory; “sysctl kernel.yama.ptrace_scope=1” lets a parent read its child's."
	case c.err != nil:
		return c.err.Error() + "."
	}
	return "the program did not say that it was dying. One that calls debug.SetCrashOutput itself, or does not serve by package serving, does not."
}

// framesOf lists the frames of a report, with the numbers on its page.
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

// failureOf returns the reason why a process has ended.
func (s *Supervisor) failureOf(p *Process, kind Kind) *Failure {
	return &Failure{
		Kind: kind, Command: s.commandLine(), Err: p.err, Output: p.output.String(), Problems: append(s.panics(p), s.raised(p)...),
		report: p.report, live: p.live, lost: p.lost,
	}
}

// serveReport sends the debugger's page of a failure, if there is one.
func (s *Supervisor) serveReport(w http.ResponseWriter, r *http.Request, f *Failure, status int, version string) bool {
	if f.report == nil {
		return false
	}
	shown := debugger.Debugger{Dashboard: debugger.Dashboard{Path: supervise.Prefix + supervise.DebuggerPath}}
	resp := record(func(w http.ResponseWriter) { shown.Page(f.report, f.live, status).ServeHTTP(w, r) })
	// The page reloads itself when the source has changed.
	if err := s.inject(r, resp, version); err != nil {
		return false
	}
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the client has gone
	return true
}

// unlock replaces the response of an application whose debugger wants the PIN:
// the supervisor asks for it instead. Other responses stay unchanged.
func (s *Supervisor) unlock(r *http.Request, resp *http.Response) error {
	if resp.Header.Get(peer.LockedHeader) == "" {
		return nil
	}
	resp.Header.Del(peer.LockedHeader)
	if !isNavigation(r) || s.config.Guard.Access(r) != debugger.Locked {
		return nil
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	form := record(func(w http.ResponseWriter) { s.config.Guard.Ask(w, r, resp.StatusCode) })
	resp.Header, resp.Body, resp.ContentLength = form.Header, form.Body, form.ContentLength
	resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	return nil
}

// record returns a response that can be changed before it is sent.
func record(answer func(http.ResponseWriter)) *http.Response {
	w := &recorded{header: http.Header{}, status: http.StatusOK}
	answer(w)
	return &http.Response{StatusCode: w.status, Header: w.header, ContentLength: int64(w.body.Len()), Body: io.NopCloser(&w.body)}
}

// recorded is a response that is changed before it is sent.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(b []byte) (int, error) { return r.body.Write(b) }

// removeCores removes the cores that a run has left: cores that nobody collected, because the
// process died while it wrote or reported them.
func (s *Supervisor) removeCores(number int) {
	left, err := filepath.Glob(filepath.Join(s.folder, "core-"+strconv.Itoa(number)+"-*"))
	if err != nil {
		return // the pattern is valid
	}
	for _, file := range left {
		os.Remove(file)
	}
}

// corePath is where the core is written when a run dies, "" if nothing reads cores.
func (s *Supervisor) corePath(number int) string {
	if !s.config.Frames {
		return ""
	}
	return filepath.Join(s.folder, "core-"+strconv.Itoa(number)+"-end")
}
