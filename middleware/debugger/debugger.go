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
	"strconv"
	"sync"
	"sync/atomic"

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
	// name is masked. Default: names such as password, token, session or
	// authorization are.
	Secret func(name string) bool
	// Editor is the link that opens a file in an editor, in which {file} and
	// {line} are replaced. Default: the environment variable ZEUG_EDITOR, or
	// "vscode://file/{file}:{line}". "off" makes no links.
	Editor string
	// Output gets the tracebacks as text. Default: os.Stderr.
	Output io.Writer
	// Keep keeps what the variables of a failure hold, for the page to ask for,
	// where there is somebody who can read them: serving sets it under
	// "zeug run". It is called on the goroutine that failed, on top of its
	// stack. Its error says in a sentence what would bring the variables.
	Keep func(*Report) (Live, error)
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
// production (or prod, or live), and nil elsewhere.
func (d Debugger) Check() error {
	if where := production(); where != "" {
		return fmt.Errorf("%w: %s is set; switch the debugger off, or unset it where this is a development machine", ErrProduction, where)
	}
	return nil
}

// Wrap returns a handler that shows what goes wrong in next. It panics with the
// error of [Debugger.Check] where there is one: that is at start-up.
func (d Debugger) Wrap(next http.Handler) http.Handler {
	if err := d.Check(); err != nil {
		panic(err)
	}
	if d.Secret == nil {
		d.Secret = secretName.MatchString
	}
	d.Editor = d.editor()
	if d.Output == nil {
		d.Output = os.Stderr
	}
	return &handler{settings: d, next: next}
}

// editor is the link that opens a file.
func (d Debugger) editor() string {
	return cmp.Or(d.Editor, os.Getenv("ZEUG_EDITOR"), "vscode://file/{file}:{line}")
}

// handler is a debugger around an application.
type handler struct {
	settings Debugger
	next     http.Handler
	reports  atomic.Int64 // how many there were, for their ids
	logging  sync.Mutex   // keeps tracebacks of two requests apart
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b := newBuffer(w)
	r, _ = gateway.WithRoute(r)
	served := httperror.WithResponder(r, func(w http.ResponseWriter, r *http.Request, err error) {
		h.respond(b, w, r, err)
	})
	returned := false
	defer func() {
		if returned {
			return
		}
		// A nil from recover is runtime.Goexit, which is no panic: the
		// goroutine ends, and with it the connection.
		value := recover()
		if value == nil {
			return
		}
		if value == http.ErrAbortHandler {
			panic(value)
		}
		h.fail(b, served, value, true, callers(1))
	}()
	h.next.ServeHTTP(b, served)
	returned = true
	_ = b.commit() // the client has gone: there is nobody to tell
	b.release()
}

// respond is the [httperror.Responder] of what runs below the debugger: errors
// that answer for themselves do so, the others get the page.
func (h *handler) respond(b *buffer, w http.ResponseWriter, r *http.Request, err error) {
	var answer http.Handler
	if errors.As(err, &answer) && !isFailure(err) {
		httperror.Respond(w, r, err) // by who stands further out, or the default
		return
	}
	h.fail(b, r, err, false, callers(1))
}

// isFailure reports whether an error is a 500 with a cause: a failure that
// somebody has dressed as an answer already.
func isFailure(err error) bool {
	var e *httperror.Error
	return errors.As(err, &e) && e.Code == httperror.InternalServerError && e.Err != nil
}

// fail logs a failure and answers with its page.
func (h *handler) fail(b *buffer, r *http.Request, value any, panicked bool, pcs []uintptr) {
	rep := newReport(r, value, panicked, pcs, h.settings.Secret)
	rep.ID = "f" + strconv.FormatInt(h.reports.Add(1), 10)
	rep.Started = b.sent
	h.log(rep)
	if b.sent {
		// Only an aborted connection tells the client that this was not all.
		panic(http.ErrAbortHandler)
	}
	if !h.settings.MayRead(r) {
		b.replace(&httperror.Error{Code: httperror.InternalServerError, Err: reported{}}, r)
		return
	}
	rep.Stacks = allStacks()
	b.replace(page{rep, h.keep(rep), h.settings.Editor, http.StatusInternalServerError}, r)
}

// reported is the cause of an answer whose failure is in the log already.
type reported struct{}

func (reported) Error() string { return "reported by the debugger" }

// Logged keeps httperror from logging it again.
func (reported) Logged() bool { return true }

// keep has the variables of a failure kept, or says in the report why not. A
// keeper that fails must not take the page along.
func (h *handler) keep(rep *Report) (live Live) {
	defer func() {
		if value := recover(); value != nil {
			live, rep.Variables = Live{}, fmt.Sprintf("The variables were not kept: %v.", value)
		}
	}()
	if rep.Variables != "" {
		return Live{}
	}
	err := errNoKeeper
	if h.settings.Keep != nil {
		live, err = h.settings.Keep(rep)
	}
	if err != nil {
		rep.Variables = err.Error()
		return Live{}
	}
	return live
}

func (h *handler) log(rep *Report) {
	h.logging.Lock()
	defer h.logging.Unlock()
	_, _ = io.WriteString(h.settings.Output, rep.Text())
}
