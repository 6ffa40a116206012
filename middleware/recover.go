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

// Wrap returns next without its panics.
func (m Recover) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w, rec := responsewriter.Record(w)
		var before http.Header
		if h := w.Header(); len(h) > 0 {
			before = maps.Clone(h)
		}
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
			if rec.Began() {
				panic(http.ErrAbortHandler)
			}
			h := w.Header()
			clear(h)
			maps.Copy(h, before)
			// Whatever was thrown, it is the server's fault.
			httperror.Respond(w, r, &httperror.Error{Code: httperror.InternalServerError, Err: p})
		}()
		next.ServeHTTP(w, r)
	})
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
