package middleware

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// Timeout answers 503 where a handler has not begun its answer in time. Its
// request's context ends then with [context.DeadlineExceeded], which is how the
// handler can stop its work; what it still writes is refused with
// [http.ErrHandlerTimeout], and a panic that comes then is logged.
//
// Unlike [http.TimeoutHandler] it holds nothing back: an answer that has begun
// in time goes on, and streams, flushing, hijacking and sendfile work.
type Timeout struct {
	// After is how long a handler may take to begin its answer. 0 means 30 s.
	After time.Duration
	// Whole ends the context after After even if the answer has begun. What is
	// on its way is not cut: the handler decides.
	Whole bool
	// RetryAfter is sent to the client in whole seconds; 0 sends none.
	RetryAfter time.Duration
}

// Wrap returns next with the time limit. It panics if a duration is negative.
func (t Timeout) Wrap(next http.Handler) http.Handler {
	if t.After < 0 || t.RetryAfter < 0 {
		panic("middleware.Timeout: a duration is negative")
	}
	if t.After == 0 {
		t.After = 30 * time.Second
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.serve(next, w, r) })
}

func (t Timeout) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	g := &timeoutGuard{Forward: responsewriter.Forward{ResponseWriter: w}, header: w.Header().Clone()}
	if g.header == nil {
		g.header = http.Header{}
	}
	done := make(chan *crash, 1)
	go func() {
		returned := false
		defer func() {
			var c *crash
			if !returned {
				pcs := make([]uintptr, 256)
				c = &crash{value: recover(), stack: debug.Stack(), callers: pcs[:runtime.Callers(1, pcs)]}
			}
			if !g.end(done, c) {
				c.log(r)
			}
		}()
		next.ServeHTTP(g.Like(g, w), r.WithContext(deadlined{ctx}))
		returned = true
	}()

	timer := time.NewTimer(t.After)
	defer timer.Stop()
	var c *crash
	select {
	case c = <-done:
	case <-timer.C:
		if g.expire() {
			cancel(context.DeadlineExceeded)
			select {
			case c = <-done: // it ended at the same moment
				c.log(r)
			default:
			}
			t.refuse(w, r)
			return
		}
		if t.Whole {
			cancel(context.DeadlineExceeded)
		}
		c = <-done
	}
	switch {
	case c == nil:
		g.finish()
	case c.value == nil:
		// runtime.Goexit in the handler ends the connection, as it does
		// without a time limit.
		panic(http.ErrAbortHandler)
	case c.value == http.ErrAbortHandler:
		panic(c.value)
	default:
		panic(c)
	}
}

func (t Timeout) refuse(w http.ResponseWriter, r *http.Request) {
	e := &httperror.Error{
		Code:        httperror.ServiceUnavailable,
		Description: "The answer took too long to make.",
		Err:         fmt.Errorf("no answer after %s: %w", t.After, context.DeadlineExceeded),
	}
	if t.RetryAfter > 0 {
		e.Header = http.Header{"Retry-After": {strconv.Itoa(int((t.RetryAfter + time.Second - 1) / time.Second))}}
	}
	httperror.Respond(w, r, e)
}

// crash carries a panic from the handler's goroutine to the server's, with the
// stack that would be lost on the way.
type crash struct {
	value   any
	stack   []byte
	callers []uintptr
}

// log tells of a panic that comes when the request is answered already, and
// there is nobody left to pass it on to.
func (c *crash) log(r *http.Request) {
	if c == nil || c.value == nil || c.value == http.ErrAbortHandler {
		return
	}
	slog.ErrorContext(r.Context(), "panic after the time was over",
		"method", r.Method, "uri", r.RequestURI, "panic", fmt.Sprint(c.value), "stack", string(c.stack))
}

// Error prints the value and where it was raised.
func (c *crash) Error() string { return fmt.Sprintf("%v\n\n%s", c.value, c.stack) }

// Unwrap returns the value if it was an error.
func (c *crash) Unwrap() error {
	err, _ := c.value.(error)
	return err
}

// Recovered returns the value, for the debugger's page.
func (c *crash) Recovered() any { return c.value }

// Callers returns the program counters of the stack that panicked, likewise.
func (c *crash) Callers() []uintptr { return c.callers }

// deadlined is a context whose error is its cause: DeadlineExceeded where the
// time was over, and not Canceled.
type deadlined struct{ context.Context }

func (d deadlined) Err() error {
	if d.Context.Err() == nil {
		return nil
	}
	if cause := context.Cause(d.Context); cause == context.DeadlineExceeded {
		return cause
	}
	return d.Context.Err()
}

// timeoutGuard lets a handler write until its time is over. The header is the
// handler's own until it is sent: after the time is over nobody else may look
// at a map that the handler still changes.
type timeoutGuard struct {
	responsewriter.Forward
	responsewriter.Shape
	header http.Header

	mu      sync.Mutex
	began   bool
	expired bool
}

// expire ends the handler's right to answer, unless it has begun to.
func (g *timeoutGuard) expire() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.expired = !g.began
	return g.expired
}

// end hands on how the handler ended, and reports false once the time is over
// and nobody waits for it.
func (g *timeoutGuard) end(done chan<- *crash, c *crash) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.expired {
		return false
	}
	done <- c // it has room
	return true
}

// begin is asked before anything is sent, and sends the handler's header
// fields. It reports false once the time is over.
func (g *timeoutGuard) begin() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.expired {
		return false
	}
	if !g.began {
		g.began = true
		g.copyHeader()
	}
	return true
}

func (g *timeoutGuard) copyHeader() {
	to := g.ResponseWriter.Header()
	clear(to)
	for name, values := range g.header {
		to[name] = values
	}
}

// finish hands on the header of a handler that wrote nothing, and trailers of
// one that did.
func (g *timeoutGuard) finish() {
	if !g.begin() {
		return
	}
	g.copyHeader()
}

func (g *timeoutGuard) Header() http.Header { return g.header }

func (g *timeoutGuard) WriteHeader(status int) {
	if status >= 100 && status < 200 && status != http.StatusSwitchingProtocols {
		g.inform(status)
		return
	}
	if g.begin() {
		g.ResponseWriter.WriteHeader(status)
	}
}

// inform sends an interim answer, which is not yet the answer.
func (g *timeoutGuard) inform(status int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.expired {
		if !g.began {
			g.copyHeader()
		}
		g.ResponseWriter.WriteHeader(status)
	}
}

func (g *timeoutGuard) Write(p []byte) (int, error) {
	if !g.begin() {
		return 0, http.ErrHandlerTimeout
	}
	return g.ResponseWriter.Write(p)
}

func (g *timeoutGuard) WriteString(s string) (int, error) {
	if !g.begin() {
		return 0, http.ErrHandlerTimeout
	}
	return g.Forward.WriteString(s)
}

func (g *timeoutGuard) ReadFrom(r io.Reader) (int64, error) {
	if !g.begin() {
		return 0, http.ErrHandlerTimeout
	}
	return g.Forward.ReadFrom(r)
}

func (g *timeoutGuard) FlushError() error {
	if !g.begin() {
		return http.ErrHandlerTimeout
	}
	return g.Forward.FlushError()
}

func (g *timeoutGuard) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if !g.begin() {
		return nil, nil, http.ErrHandlerTimeout
	}
	return g.Forward.Hijack()
}
