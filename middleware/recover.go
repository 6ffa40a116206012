package middleware

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Recover answers a panic of the application with 500, where net/http would cut
// the connection, and logs it with its stack. The answer is [httperror.Respond]'s,
// so an application's own error page shows for panics too; the header is as it
// was before the application touched it.
//
// When part of an answer is out already the connection is cut after all, or the
// client would take the part for the whole. [http.ErrAbortHandler] asks for that
// and is neither logged nor answered.
//
// Put it inside of what shall see the answer, such as an [AccessLog], and
// outside of what may panic. Under a debugger or a server that shows panics it
// is not needed.
type Recover struct {
	// Logger is [slog.Default] if nil.
	Logger *slog.Logger
}

// Panic is the error that [Recover] answers with.
type Panic struct {
	// Value is what panic was called with.
	Value any
	// Stack is the stack of the goroutine that panicked, as text.
	Stack []byte
}

// Error tells the value.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap returns the value if it is an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// Recovered returns the value, for the debugger's page.
func (p *Panic) Recovered() any { return p.Value }

// Logged is true: whoever is told of the panic need not log it again.
func (p *Panic) Logged() bool { return true }

// Wrap returns next without its panics.
func (m Recover) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w, rec := responsewriter.Record(w)
		var before headerCopy
		before.take(w.Header())
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			p := &Panic{value, debug.Stack()}
			m.log(r, p)
			if rec.Written() && !responsewriter.Held(w) {
				panic(http.ErrAbortHandler)
			}
			before.restore(w.Header())
			// Whatever was thrown, it is the server's fault.
			httperror.Respond(w, r, &httperror.Error{Code: httperror.InternalServerError, Err: p})
		}()
		next.ServeHTTP(w, r)
	})
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
	maps.Copy(h, c.many)
	for _, f := range c.few[:c.count] {
		h[f.name] = f.values
	}
}

func (m Recover) log(r *http.Request, p *Panic) {
	logger := m.Logger
	if logger == nil {
		logger = slog.Default()
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("uri", r.RequestURI),
		slog.String("panic", fmt.Sprint(p.Value)), slog.String("stack", string(p.Stack)),
	}
	if id := RequestIDOf(r.Context()); id != "" {
		attrs = append(attrs, slog.String("request_id", id))
	}
	logger.LogAttrs(r.Context(), slog.LevelError, "panic", attrs...)
}
