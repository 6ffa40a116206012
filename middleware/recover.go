package middleware

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// Recover answers a panic of the application with 500, and logs it with its
// stack. Without it, net/http would cut the connection. The response is sent by
// [httperror.Respond], so an application's own error page is also shown for
// panics. The header is restored to its state before the application changed
// it.
//
// If a part of a response has been sent, the connection is cut after all; otherwise the client
// would mistake the part for the whole. [http.ErrAbortHandler] requests just that, so it is neither
// logged nor answered.
//
// Put it inside the middlewares that need to see the response, such as an [AccessLog], and outside
// everything that may panic. It is not needed under a debugger or a server that shows panics.
type Recover struct {
	// Logger is the logger of the server if nil, or [slog.Default].
	Logger *slog.Logger
	// Core writes a core of the process at a panic, which "zeug inspect" shows on another machine:
	// frames, variables, the request. A *postmortem.Folder of middleware/postmortem is one. The log
	// has its path. The request that panicked waits for it, and each request costs a copy of its
	// header. Default: there are no cores.
	//
	// A panic that another goroutine has carried here, as [Timeout] does, leaves no variables: put
	// this Recover inside of Timeout.
	Core CoreWriter
}

// CoreWriter writes cores for [Recover].
type CoreWriter interface {
	// Check returns an error that names the field whose value is not valid.
	Check() error
	// Follow is called before a request is served. It returns the context for the request: ctx, or
	// one in which the writer keeps what a core shall have of the request. WriteCore gets a request
	// with that context.
	Follow(ctx context.Context) context.Context
	// WriteCore writes a core of the process, and returns the path of the file. The goroutine that
	// panicked calls it, on top of its stack. header returns the header that the client sent, and
	// value is the value of the panic. Without a core, path is "", and err says why if that was not
	// said before.
	//
	// The stack must not grow before the core is written, or values of variables are lost: other
	// goroutines do the work, while this one waits.
	WriteCore(r *http.Request, header func() http.Header, value any) (path string, err error)
}

// panicError is the error with which [Recover] answers.
type panicError struct {
	// Value is what panic was called with.
	Value any
	// Stack is the stack of the goroutine that panicked, as text.
	Stack []byte
}

// Error prints the value.
func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap returns the value if it is an error.
func (p *panicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Recovered returns the value, for the debugger's page.
func (p *panicError) Recovered() any { return p.Value }

// Logged is true: code that receives the panic need not log it again.
func (p *panicError) Logged() bool { return true }

// Wrap returns next with its panics answered. It panics with the error of Core.Check if there is one.
func (m Recover) Wrap(next http.Handler) http.Handler {
	if m.Core != nil {
		if err := m.Core.Check(); err != nil {
			panic(err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(w.Header()) == 0 {
			m.serve(next, w, r, nil)
			return
		}
		var before headerCopy
		before.take(w.Header())
		m.serve(next, w, r, &before)
	})
}

// serve calls next. before is the header that next finds, nil if it is empty.
func (m *Recover) serve(next http.Handler, w http.ResponseWriter, r *http.Request, before *headerCopy) {
	w, rec := responsewriter.Record(w)
	var sent []sentField
	own := r
	if m.Core != nil {
		sent = sentBy(r)
		if ctx := m.Core.Follow(r.Context()); ctx != r.Context() {
			r = r.WithContext(ctx)
		}
	}
	// This comes after the core, since the stack must not grow before.
	defer requestcopy.RemoveFiles(r, own)
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		core := m.writeCore(r, sent, value)
		p := &panicError{value, debug.Stack()}
		m.log(r, p, core)
		if rec.Written() && !responsewriter.Held(w) {
			panic(http.ErrAbortHandler)
		}
		before.restore(w.Header())
		// Whatever the value is, the failure is the server's fault.
		httperror.Respond(w, r, &httperror.Error{Code: httperror.InternalServerError, Err: p})
	}()
	next.ServeHTTP(w, r)
}

// sentField is a field of the header that a client sent.
type sentField struct{ name, value string }

// sentBy copies a request's header. The application may change the map while it serves the request,
// also from another goroutine.
func sentBy(r *http.Request) []sentField {
	list := make([]sentField, 0, len(r.Header))
	for name, values := range r.Header {
		for _, value := range values {
			list = append(list, sentField{name, value})
		}
	}
	return list
}

// headerOf is the header with the fields of a list.
func headerOf(sent []sentField) http.Header {
	h := make(http.Header, len(sent))
	for _, f := range sent {
		h[f.name] = append(h[f.name], f.value)
	}
	return h
}

// writeCore writes a core if there is to be one, and returns what the log has about it. A core that
// cannot be written changes nothing else.
func (m *Recover) writeCore(r *http.Request, sent []sentField, value any) (attr slog.Attr) {
	if m.Core == nil {
		return slog.Attr{}
	}
	defer func() {
		if failure := recover(); failure != nil {
			attr = slog.String("no_core", fmt.Sprint("it panicked: ", failure))
		}
	}()
	path, err := m.Core.WriteCore(r, func() http.Header { return headerOf(sent) }, value)
	switch {
	case err != nil:
		return slog.String("no_core", err.Error())
	case path != "":
		return slog.String("core", path)
	}
	return slog.Attr{}
}

// headerCopy is a header as it was. The few fields that outer middlewares set
// fit in it without an allocation.
type headerCopy struct {
	few   [6]headerField
	count int
	many  http.Header
}

type headerField struct {
	name   string
	values []string
}

func (c *headerCopy) take(h http.Header) {
	if len(h) > len(c.few) {
		c.many = maps.Clone(h)
		return
	}
	for name, values := range h {
		c.few[c.count] = headerField{name, values}
		c.count++
	}
}

func (c *headerCopy) restore(h http.Header) {
	clear(h)
	if c == nil {
		return
	}
	maps.Copy(h, c.many)
	for _, f := range c.few[:c.count] {
		h[f.name] = f.values
	}
}

func (m *Recover) log(r *http.Request, p *panicError, core slog.Attr) {
	logger := m.Logger
	if logger == nil {
		logger = serverlog.From(r.Context())
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("uri", secret.URI(r.RequestURI)),
		slog.String("panic", fmt.Sprint(p.Value)), slog.String("stack", string(p.Stack)),
	}
	if id := RequestIDOf(r.Context()); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	if core.Key != "" {
		attrs = append(attrs, core)
	}
	logger.LogAttrs(r.Context(), slog.LevelError, "panic", attrs...)
}
