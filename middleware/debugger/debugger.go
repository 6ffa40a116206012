// Package debugger is a middleware that shows what went wrong, in the browser
// of whoever develops the application: the error or the panic, the chain of
// causes, the stack with its source, the request.
//
// It is a tool for development. It is off unless it is asked for, refuses to
// start where the environment says production, and answers only this machine:
// everybody else gets the plain 500 they would get without it.
//
//	app := debugger.Debugger{}.Wrap(newApp())
//
// The page appears for a panic, and for an error that a view returned and that
// does not answer for itself (see [httperror.Respond]). A browser gets HTML,
// others JSON or plain text by their Accept header. The log always has the
// traceback as plain text.
//
// So that the page can still take the place of an answer that had begun,
// answers are held back until their handler returns, up to 1 MiB; who flushes
// is a stream and is not held. A stream that fails ends in an aborted
// connection, and its traceback is in the log.
package debugger

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
)

// Debugger is the settings of the debugger. The zero value is the safest.
type Debugger struct {
	// TrustedHosts are names by which this machine may be asked for besides
	// localhost, those below .localhost, and loopback addresses. ".example.test"
	// stands for example.test and every name below it. Ports are ignored.
	TrustedHosts []string
	// TrustedPeers are networks that may see the page besides this machine:
	// what is shown holds the application's source and its data.
	TrustedPeers []netip.Prefix
	// Secret reports whether a header, cookie, argument or form field of this
	// name is masked, and what a value has in such a field or under such a key.
	// Default: names such as password, token, session or authorization are.
	Secret func(name string) bool
	// Editor is the link that opens a file in an editor, in which {file} and
	// {line} are replaced. Default: the environment variable ZEUG_EDITOR, or
	// "vscode://file/{file}:{line}". "off" makes no links.
	Editor string
	// Hide names packages whose frames are folded away, further than those of
	// libraries: middleware that is in every traceback. "example.org/mw" is one
	// package, and "example.org/mw/..." it and those below. Tracebacks as text
	// count them only.
	Hide []string
	// Dashboard is a page about the program as it runs. Default: there is none.
	Dashboard Dashboard
	// Output gets the tracebacks as text. Default: os.Stderr.
	Output io.Writer
	// Keep keeps what the variables of a failure hold, for the page to ask for,
	// where there is somebody who can read them: serving sets it under
	// "zeug run". It is called with the report's id, on the goroutine that
	// failed, on top of its stack, before anything else is done: what no line
	// uses any more is freed soon, and its memory taken for something else. Its
	// error says in a sentence what would bring the variables.
	//
	// The function that it returns is called once: with the report, to say
	// where the variables are, or with nil where they are not wanted.
	Keep func(id string) (func(*Report) (Live, error), error)
}

// Live is where a page asks for the variables of its frames.
type Live struct {
	// URL is the address below which they are, a path with a slash at its end.
	URL string
	// Secret is what each question has to have in the header field Zeug-Secret.
	Secret string
}

// errNoKeeper says what would bring variables.
var errNoKeeper = errors.New("To see the variables of each frame, and to evaluate expressions in them, run the program by “zeug run”.")

// ErrProduction says that the environment forbids the debugger.
var ErrProduction = errors.New("the debugger must not run in production")

// Check returns an error that wraps [ErrProduction] where one of the
// environment variables ZEUG_ENV, APP_ENV, GO_ENV, ENV or ENVIRONMENT says
// production (or prod, or live), and other errors where there cannot be a
// dashboard: its path does not stand between slashes, or ZEUG_DEBUG_PIN is none.
func (d Debugger) Check() error {
	if where := production(); where != "" {
		return fmt.Errorf("%w: %s is set; switch the debugger off, or unset it where this is a development machine", ErrProduction, where)
	}
	path := d.Dashboard.Path
	if path == "" {
		return nil
	}
	if len(path) < 3 || path[0] != '/' || path[len(path)-1] != '/' {
		return fmt.Errorf("the debugger's Dashboard.Path is %q: put it between slashes, as in /.zeug/debugger/", path)
	}
	_, _, err := digitsSet()
	return err
}

// Wrap returns a handler that shows what goes wrong in next. It panics with the
// error of [Debugger.Check] where there is one: that is at start-up.
func (d Debugger) Wrap(next http.Handler) http.Handler {
	if err := d.Check(); err != nil {
		panic(err)
	}
	d.Secret = d.secret()
	d.Editor = d.editor()
	if d.Output == nil {
		d.Output = os.Stderr
	}
	h := &handler{settings: d, next: next}
	h.dashboard = newDashboard(&h.settings, h)
	return h
}

// secret is what says which names are masked.
func (d Debugger) secret() func(name string) bool {
	if d.Secret == nil {
		return secretName.MatchString
	}
	return d.Secret
}

// editor is the link that opens a file.
func (d Debugger) editor() string {
	return cmp.Or(d.Editor, os.Getenv("ZEUG_EDITOR"), "vscode://file/{file}:{line}")
}

// handler is a debugger around an application.
type handler struct {
	settings  Debugger
	next      http.Handler
	dashboard *dashboard   // nil is none
	reports   atomic.Int64 // how many there were, for their ids
	logging   sync.Mutex   // keeps tracebacks of two requests apart
}

// exchange is one request with its answer.
type exchange struct {
	buffer
	handler *handler
	// received is the request as it came: who answers by it is further out.
	received *http.Request
	// sent is its header as it was then.
	sent []Field
	// writer is what the handler got of the buffer.
	writer http.ResponseWriter
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.dashboard != nil && h.dashboard.takes(r) {
		h.dashboard.ServeHTTP(w, r)
		return
	}
	x := &exchange{handler: h, received: r, sent: sentBy(r)}
	x.writer = x.start(w)
	ctx, _ := gateway.ContextWithRoute(r.Context())
	r = r.WithContext(httperror.ContextWithResponder(ctx, x.respond))
	returned := false
	defer func() {
		if returned {
			return
		}
		// A nil from recover is runtime.Goexit, which is no panic: the
		// goroutine ends, and with it the connection.
		value := recover()
		if value == nil {
			x.drop()
			return
		}
		if value == http.ErrAbortHandler {
			x.drop()
			panic(value)
		}
		defer x.drop()
		x.fail(r, value, true, callers(1))
	}()
	h.next.ServeHTTP(x.writer, r)
	returned = true
	x.finish()
}

// respond is the [httperror.Responder] of what runs below the debugger: errors
// that answer for themselves do so, the others get the page.
func (x *exchange) respond(w http.ResponseWriter, r *http.Request, err error) {
	if answers(err) {
		httperror.Respond(w, r, err) // by who stands further out, or the default
		return
	}
	if w != x.writer {
		// A time limit in between may have answered, and would not take
		// another answer. It says so to who writes.
		if _, refused := w.Write(nil); errors.Is(refused, http.ErrHandlerTimeout) {
			x.late(r, err, callers(1))
			return
		}
	}
	x.fail(r, err, false, callers(1))
}

// fail logs a failure and answers with its page. It panics where the answer is
// out already: only an aborted connection tells the client that it is not whole.
func (x *exchange) fail(r *http.Request, value any, panicked bool, pcs []uintptr) {
	h := x.handler
	r = x.untouched(r)
	x.mu.Lock()
	state := x.state
	x.mu.Unlock()
	id := h.nextID()
	shown := state != streaming && state != sealed && state != over && h.settings.MayRead(r)
	var tell func(*Report) (Live, error)
	var untold error
	if shown {
		tell, untold = h.keep(id)
	}
	rep := h.report(id, r, value, panicked, pcs)
	switch state {
	case streaming:
		rep.Fate = "The answer had begun: the client got its first part and then an aborted connection."
		h.log(rep)
		h.dashboard.keep(h.page(rep))
		panic(http.ErrAbortHandler)
	case sealed:
		rep.Fate = "The page of an earlier failure of this request had been sent already."
		h.log(rep)
		h.dashboard.keep(h.page(rep))
		return
	case over:
		rep.Fate = "The request had been answered already."
		h.log(rep)
		h.dashboard.keep(h.page(rep))
		return
	}
	h.log(rep)
	var answer http.Handler
	if shown {
		rep.Stacks = allStacks()
		shown := h.page(rep)
		shown.Live = h.live(rep, tell, untold)
		h.dashboard.keep(shown)
		answer = shown
	} else {
		h.dashboard.keep(h.page(rep))
		plain := &httperror.Error{Code: httperror.InternalServerError, Err: reported{}}
		answer, r = plain, x.untouched(x.received)
	}
	x.replace(func(w http.ResponseWriter) { answer.ServeHTTP(w, r) })
}

// late logs a failure of a handler whose request has been answered.
func (x *exchange) late(r *http.Request, value any, pcs []uintptr) {
	rep := x.handler.report(x.handler.nextID(), x.untouched(r), value, false, pcs)
	rep.Fate = "The request had been answered already: its time was over."
	x.handler.log(rep)
	x.handler.dashboard.keep(x.handler.page(rep))
}

// page is that of a report, without variables.
func (h *handler) page(rep *Report) page {
	return page{Report: rep, editor: h.settings.Editor, Dashboard: h.settings.Dashboard.Path, status: http.StatusInternalServerError}
}

func (h *handler) nextID() string { return "f" + strconv.FormatInt(h.reports.Add(1), 10) }

// report describes a failure. Whatever of it cannot be described must not hide
// the failure itself.
func (h *handler) report(id string, r *http.Request, value any, panicked bool, pcs []uintptr) (rep *Report) {
	defer func() {
		if p := recover(); p != nil {
			rep = &Report{
				Time: time.Now(), Panicked: panicked, Type: typeName(value), Message: printed(value),
				Frames: bareFrames(pcs), Goroutine: goroutineID(), Goroutines: runtime.NumGoroutine(),
				Origin: "The rest of the report is missing: making it panicked with " + printed(p) + ".",
			}
		}
		rep.ID = id
	}()
	return newReport(r, value, panicked, pcs, &h.settings)
}

// reported is the cause of an answer whose failure is in the log already.
type reported struct{}

func (reported) Error() string { return "reported by the debugger" }

// Logged keeps httperror from logging it again.
func (reported) Logged() bool { return true }

// keep has the variables of a failure kept. A keeper that fails must not take
// the page along.
func (h *handler) keep(id string) (tell func(*Report) (Live, error), err error) {
	defer func() {
		if value := recover(); value != nil {
			err = errors.New("The variables were not kept: " + printed(value) + ".")
		}
	}()
	if h.settings.Keep == nil {
		return nil, errNoKeeper
	}
	return h.settings.Keep(id)
}

// live is where the variables of a report are, or says in the report why there
// are none.
func (h *handler) live(rep *Report, tell func(*Report) (Live, error), err error) (live Live) {
	defer func() {
		if value := recover(); value != nil {
			live, rep.Variables = Live{}, "The variables were not kept: "+printed(value)+"."
		}
	}()
	switch {
	case rep.Variables != "": // they would be those of other functions
		if tell != nil {
			_, _ = tell(nil)
		}
		return Live{}
	case tell != nil:
		live, err = tell(rep)
	}
	if err != nil {
		rep.Variables = err.Error()
		return Live{}
	}
	return live
}

// log writes the traceback. A log that fails must not take the page along.
func (h *handler) log(rep *Report) {
	defer func() { _ = recover() }()
	h.logging.Lock()
	defer h.logging.Unlock()
	_, _ = io.WriteString(h.settings.Output, rep.Text())
}
