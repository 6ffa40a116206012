// Package debugger is a middleware that shows failures in the browser of the developer: the error
// or the panic, the chain of causes, the stack with its source, the request.
//
// It is a tool for development. It is off by default and refuses to start if the environment says
// production. It answers only the developer. Other clients get the plain 500 that they would get
// without it, or a form for the PIN. See [Debugger.Access].
//
//	app := debugger.Debugger{}.Wrap(newApp())
//
// The page appears for a panic, and for an error that a view returned and that
// does not send its own response (see [httperror.Respond]). A browser gets
// HTML, other clients get JSON or plain text, depending on their Accept header.
// The log always has the traceback as plain text.
//
// Responses of up to 1 MiB are kept back until their handler returns, so that the page can replace
// a response that had begun. A response that is flushed is a stream and is not kept back. If a
// stream fails, the connection is aborted, and the traceback is in the log.
package debugger

import (
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

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/development"
	"github.com/zeugkit/zeug/internal/editor"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/recording"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/middleware/debugger/internal/capture"
	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/hold"
	"github.com/zeugkit/zeug/middleware/debugger/internal/page"
)

// Debugger is the settings of the debugger. The zero value is the safest.
type Debugger struct {
	// TrustedHosts are names of this machine besides localhost, names below .localhost, and
	// loopback addresses. ".example.test" stands for example.test and every name below it. Ports
	// are ignored.
	TrustedHosts []string
	// TrustedPeers are networks that may see the page besides this machine: the
	// page shows the application's source and data.
	TrustedPeers []netip.Prefix
	// PIN lets in clients that may be the developer's, but cannot be told from strangers: see
	// [Debugger.Access]. Default: in [Debugger.Wrap] the PIN of [NewPIN], printed to Output.
	PIN *PIN
	// Secret reports whether a name is secret. The values of such headers, cookies, arguments, form
	// fields, struct fields and keys are masked. Default: names such as password, token, session or
	// authorization are secret. Passwords inside URLs and DSNs are masked in all fields.
	Secret func(name string) bool
	// Editor is the link that opens a file in an editor, in which {file} and
	// {line} are replaced. Default: the environment variable ZEUG_EDITOR, or
	// "vscode://file/{file}:{line}". "off" makes no links.
	Editor string
	// Hide names packages whose frames are hidden even more than those of libraries, such as
	// middleware that is in every traceback. "example.org/mw" is one package, and
	// "example.org/mw/..." is it and those below. Tracebacks in plain text only count them.
	Hide []string
	// Dashboard is a page about the running program. Default: there is none.
	Dashboard Dashboard
	// Output gets the tracebacks as text. Default: os.Stderr.
	Output io.Writer
	// Keep keeps the values of a failure's variables, for the page to request, if there is a
	// supervisor that can read them: serving sets it under "zeug run". It is called with the
	// report's id, on the goroutine that failed, on top of its stack, as the first step. Values
	// that no later line uses are freed soon, and their memory would be used for something else.
	// Its error says in one sentence what is needed to get the variables.
	//
	// The function that it returns is called once: with the report, to say where the variables
	// are, or with nil if they are not wanted.
	Keep func(id string) (func(*Report) (Live, error), error)
}

// errNoKeeper says what is needed to get variables.
var errNoKeeper = errors.New("To see the variables of each frame, and to evaluate expressions in them, run the program by “zeug run”.")

// ErrProduction says that the environment forbids the debugger.
var ErrProduction = errors.New("the debugger must not run in production")

// Check returns an error that wraps [ErrProduction] if one of the environment
// variables ZEUG_ENV, APP_ENV, GO_ENV, ENV, ENVIRONMENT, NODE_ENV, FLASK_ENV,
// RAILS_ENV, RACK_ENV or DJANGO_ENV says production (or prod, prd or live). It returns other errors
// if ZEUG_DEBUG_PIN is not a valid PIN, or if the path of the dashboard does not begin and end with
// a slash.
func (d Debugger) Check() error {
	if where := production(); where != "" {
		return fmt.Errorf("%w: %s is set; switch the debugger off, or unset it where this is a development machine", ErrProduction, where)
	}
	path := d.Dashboard.Path
	if path != "" && (len(path) < 3 || path[0] != '/' || path[len(path)-1] != '/') {
		return fmt.Errorf("the debugger's Dashboard.Path is %q: put it between slashes, as in /.zeug/debugger/", path)
	}
	_, _, err := digitsSet()
	return err
}

// Wrap returns a handler that shows the failures of next. It panics if [Debugger.Check] returns an
// error, so the program fails when it starts.
func (d Debugger) Wrap(next http.Handler) http.Handler {
	if err := d.Check(); err != nil {
		panic(err)
	}
	development.Enter()
	d.Secret = d.secret()
	d.Editor = editor.Pattern(d.Editor)
	if d.Output == nil {
		d.Output = os.Stderr
	}
	if d.PIN == nil {
		pin, err := NewPIN(d.Output)
		if err != nil {
			panic(err)
		}
		d.PIN = pin
	}
	h := &handler{settings: d, next: next}
	h.dashboard = newDashboard(&h.settings)
	return h
}

// secret returns the function that decides which names are masked.
func (d Debugger) secret() func(name string) bool {
	if d.Secret == nil {
		return secret.Name
	}
	return d.Secret
}

// handler is a debugger around an application.
type handler struct {
	settings  Debugger
	next      http.Handler
	dashboard *dashboard   // nil means none
	reports   atomic.Int64 // how many there were, for their ids
	logging   sync.Mutex   // keeps tracebacks of two requests apart
}

// exchange is one request with its response.
type exchange struct {
	response hold.Response
	handler  *handler
	// received is the original request, with which outer handlers answer.
	received *http.Request
	// sent is its header at that time.
	sent capture.Sent
	// writer is the writer that the handler got for the response.
	writer http.ResponseWriter
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.settings.Unlock(w, r) {
		return
	}
	if h.dashboard != nil && h.dashboard.takes(r) {
		h.dashboard.ServeHTTP(w, r)
		return
	}
	x := &exchange{handler: h, received: r, sent: capture.SentBy(r)}
	x.writer, x.response.Cut = x.response.Start(w), x.cutShort
	received := r
	r, _ = gateway.WithRoute(r)
	r = httperror.WithResponder(r.WithContext(development.WithDebugger(r.Context())), x.respond)
	returned := false
	defer func() {
		if returned {
			return
		}
		// A nil from recover means runtime.Goexit, which is not a panic: the goroutine ends, and
		// the connection with it.
		value := recover()
		if value == nil {
			x.response.Drop()
			return
		}
		if value == http.ErrAbortHandler {
			x.response.Drop()
			panic(value)
		}
		defer x.response.Drop()
		x.fail(r, value, true, capture.Callers(1))
	}()
	requestcopy.Serve(h.next, x.writer, r, received)
	returned = true
	x.response.Finish()
}

// respond is the [httperror.Responder] of everything inside the debugger: errors that send their
// own response do so, all others get the page.
func (x *exchange) respond(w http.ResponseWriter, r *http.Request, err error) {
	if capture.Answers(err) {
		httperror.Respond(w, r, err) // the outer responder answers, or the default
		return
	}
	if w != x.writer {
		if began, ok := w.(interface{ Written() bool }); ok && !began.Written() && !x.response.Written() {
			// An access log in between then sees the status that the client gets. The page replaces
			// this header.
			w.WriteHeader(http.StatusInternalServerError)
		}
		// A time limit in between may have answered already, and would not accept another response.
		// If it fails, the write reports that.
		if _, refused := w.Write(nil); errors.Is(refused, http.ErrHandlerTimeout) {
			x.late(r, err, capture.Callers(1))
			return
		}
	}
	x.fail(r, err, false, capture.Callers(1))
}

// fail logs a failure and sends its page. It panics if a part of the response has already been
// sent: only an aborted connection tells the client that the response is not complete.
func (x *exchange) fail(r *http.Request, value any, panicked bool, pcs []uintptr) {
	h := x.handler
	// Developers look at the handler's request most often, but no later line of the handler may use
	// it, so it is kept alive here.
	defer runtime.KeepAlive(r)
	r = x.sent.Untouched(r)
	state := x.response.State()
	id := h.nextID()
	access := h.settings.Access(r)
	shown := state == hold.Holding && access == Granted
	var tell func(*Report) (Live, error)
	var untold error
	if shown {
		tell, untold = h.keep(id)
	}
	rep := h.report(id, r, value, panicked, pcs)
	rep.Exchange = peer.Of(r).Exchange
	switch state {
	case hold.Streaming:
		rep.Fate = begun
		h.log(rep)
		h.file(r, h.page(rep))
		panic(http.ErrAbortHandler)
	case hold.Sealed:
		rep.Fate = "The page of an earlier failure of this request had been sent already."
		h.log(rep)
		h.file(r, h.page(rep))
		return
	case hold.Over:
		rep.Fate = "The request had been answered already."
		h.log(rep)
		h.file(r, h.page(rep))
		return
	}
	h.log(rep)
	var answer http.Handler
	if shown {
		rep.Stacks = capture.AllStacks()
		shown := h.page(rep)
		shown.Live = h.live(rep, tell, untold)
		h.file(r, shown)
		answer = shown
	} else {
		h.file(r, h.page(rep))
		answer, r = h.unread(access), x.sent.Untouched(x.received)
	}
	x.response.Replace(func(w http.ResponseWriter) { answer.ServeHTTP(w, r) })
}

// unread is the response for a client that must not read the page. A client that is locked out may
// enter the PIN; if there is a supervisor, the supervisor asks for it.
func (h *handler) unread(access Access) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if supervised := peer.Of(r).Supervised; access == Locked && !supervised {
			h.settings.Ask(w, r, http.StatusInternalServerError)
			return
		} else if access == Locked {
			w.Header().Set(peer.LockedHeader, "yes")
		}
		plain := &httperror.Error{Code: httperror.InternalServerError, Err: reported{}}
		plain.ServeHTTP(w, r)
	})
}

// begun handles a failure whose response had been sent in part.
const begun = "The answer had begun: the client got its first part and then an aborted connection."

// cutShort logs a failure of a stream whose handler itself aborts the connection.
func (x *exchange) cutShort(r *http.Request, err error) { x.tell(r, err, capture.Callers(1), begun) }

// late logs a failure of a handler whose request has already been answered.
func (x *exchange) late(r *http.Request, value any, pcs []uintptr) {
	x.tell(r, value, pcs, "The request had been answered already: its time was over.")
}

// tell logs a failure for which no page can be sent.
func (x *exchange) tell(r *http.Request, value any, pcs []uintptr, fate string) {
	rep := x.handler.report(x.handler.nextID(), x.sent.Untouched(r), value, false, pcs)
	rep.Exchange = peer.Of(r).Exchange
	rep.Fate = fate
	x.handler.log(rep)
	x.handler.file(r, x.handler.page(rep))
}

// file keeps a page for the dashboard, and names its path in the response to its request.
func (h *handler) file(r *http.Request, p page.Page) {
	if h.dashboard == nil {
		return
	}
	h.dashboard.keep(p)
	if recorder := recording.Of(r.Context()); recorder != nil {
		recorder.Fail(h.settings.Dashboard.Path+p.ID, p.Headline())
	}
}

// page is the page of a report, without variables.
func (h *handler) page(rep *Report) page.Page {
	return page.Page{Report: rep, Editor: h.settings.Editor, Dashboard: h.settings.Dashboard.Path, Status: http.StatusInternalServerError}
}

func (h *handler) nextID() string {
	if folder := h.settings.Dashboard.Folder; h.dashboard != nil && folder != "" {
		if id := (archive{folder}).take(); id != "" {
			return id
		}
	}
	return idOf(h.reports.Add(1))
}

func idOf(number int64) string { return "f" + strconv.FormatInt(number, 10) }

// report describes a failure.
func (h *handler) report(id string, r *http.Request, value any, panicked bool, pcs []uintptr) *Report {
	rep := capture.New(r, value, panicked, pcs, capture.Settings{Secret: h.settings.Secret, Hide: h.settings.Hide})
	rep.ID = id
	return rep
}

// reported is the cause of a response to a failure that is already in the log.
type reported struct{}

func (reported) Error() string { return "reported by the debugger" }

// Logged keeps httperror from logging it again.
func (reported) Logged() bool { return true }

// keep asks the supervisor to keep the variables of a failure. A keeper that fails must not prevent
// the page.
func (h *handler) keep(id string) (tell func(*Report) (Live, error), err error) {
	defer func() {
		if value := recover(); value != nil {
			err = errors.New("The variables were not kept: " + dump.Printed(value) + ".")
		}
	}()
	if h.settings.Keep == nil {
		return nil, errNoKeeper
	}
	return h.settings.Keep(id)
}

// live returns the path for the variables of a report. If there are none, it sets the reason in the
// report.
func (h *handler) live(rep *Report, tell func(*Report) (Live, error), err error) (live Live) {
	defer func() {
		if value := recover(); value != nil {
			live, rep.Variables = Live{}, "The variables were not kept: "+dump.Printed(value)+"."
		}
	}()
	switch {
	case rep.Variables != "": // the variables would belong to other functions
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

// log writes the traceback. A log that fails must not prevent the page.
func (h *handler) log(rep *Report) {
	defer func() { _ = recover() }()
	h.logging.Lock()
	defer h.logging.Unlock()
	_, _ = io.WriteString(h.settings.Output, rep.Text())
}

// Page returns a handler that sends a report with the given status. It sends it to every client:
// [Debugger.MayRead] says which clients may see it. If live has a URL, the page gets its frames'
// variables there.
func (d Debugger) Page(rep *Report, live Live, status int) http.Handler {
	return page.Page{Report: rep, Live: live, Editor: editor.Pattern(d.Editor), Dashboard: d.Dashboard.Path, Status: status}
}
