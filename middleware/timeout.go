package middleware

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// Timeout answers 503 if a handler has not begun its response in time. The
// request's context then ends with [context.DeadlineExceeded], so that the handler
// can stop its work. Later writes of the handler, and its reads of the
// request's body, fail with [http.ErrHandlerTimeout]; a later panic is logged.
//
// Unlike [http.TimeoutHandler] it buffers nothing. A response that has begun in time continues, and
// streams, flushing, hijacking and sendfile work. It also answers while the handler waits for a
// body that stopped coming.
type Timeout struct {
	// Limit is how long a handler may take to begin its response. 0 means 30 s,
	// a negative duration no limit.
	Limit time.Duration
	// Whole ends the context after Limit even if the response has begun. A response that is being
	// sent is not cut: the handler decides what to do.
	Whole bool
	// RetryAfter is sent to the client in whole seconds. 0 and a negative
	// duration send none.
	RetryAfter time.Duration
}

// Wrap returns next with the time limit.
func (t Timeout) Wrap(next http.Handler) http.Handler {
	if t.Limit < 0 {
		return next
	}
	t.Limit = limits.Duration(t.Limit, 30*time.Second)
	turnsWanted.Store(true)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { t.serve(next, w, r) })
}

func (t Timeout) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	g := &timeoutGuard{
		Forward: responsewriter.Forward{ResponseWriter: w},
		context: deadlined{outer: r.Context(), deadline: time.Now().Add(t.Limit), whole: t.Whole},
		body:    timeoutBody{ReadCloser: r.Body},
		ended:   make(chan struct{}),
	}
	if before := w.Header(); len(before) > 0 {
		g.header = before.Clone()
	} else {
		g.header = http.Header{}
	}
	g.context.guard, g.body.guard = g, g
	defer g.context.end(context.Canceled)
	g.request = *r.WithContext(&g.context)
	limited := &g.request
	if r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		limited.Body = &g.body
	}
	turn := turnOf(r.Context())
	turn.hold()
	go func() {
		returned := false
		defer func() {
			var c *crash
			if !returned {
				pcs := make([]uintptr, 256)
				c = &crash{value: recover(), stack: debug.Stack(), callers: pcs[:runtime.Callers(1, pcs)]}
			}
			turn.done()
			if !g.end(c) {
				c.log(r)
			}
		}()
		growStack()
		requestcopy.Serve(next, g.Like(g, w), limited, r)
		returned = true
	}()

	timer := time.AfterFunc(t.Limit, g.timeUp)
	<-g.ended
	timer.Stop()
	if g.over() {
		g.body.stop(r)
		t.refuse(w, r)
		return
	}
	switch c := g.crash; {
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

// growStack makes the stack of a new goroutine large enough for most handlers, while there is
// hardly anything on it. Otherwise it would grow in the midst of the handler, once or more, and
// the runtime would adjust every frame each time.
//
//go:noinline
func growStack() {
	var room [4 << 10]byte
	runtime.KeepAlive(&room)
}

func (t Timeout) refuse(w http.ResponseWriter, r *http.Request) {
	e := &httperror.Error{
		Code:        httperror.ServiceUnavailable,
		Description: "The answer took too long to make.",
		Err:         fmt.Errorf("no answer after %s: %w", t.Limit, context.DeadlineExceeded),
	}
	if t.RetryAfter > 0 {
		e.Header = http.Header{"Retry-After": {strconv.Itoa(int((t.RetryAfter-1)/time.Second + 1))}}
	}
	httperror.Respond(w, r, e)
}

// crash carries a panic from the handler's goroutine to the server's, with its
// stack, which would otherwise be lost.
type crash struct {
	value   any
	stack   []byte
	callers []uintptr
}

// log logs a panic that comes after the request was answered.
func (c *crash) log(r *http.Request) {
	if c == nil || c.value == nil || c.value == http.ErrAbortHandler {
		return
	}
	serverlog.From(r.Context()).ErrorContext(r.Context(), "panic after the time was over",
		"method", r.Method, "uri", secret.URI(r.RequestURI), "panic", fmt.Sprint(c.value), "stack", string(c.stack))
}

// Error prints the value and the place of the panic.
func (c *crash) Error() string { return fmt.Sprintf("%v\n\n%s", c.value, c.stack) }

// Unwrap returns the value if it was an error.
func (c *crash) Unwrap() error {
	err, _ := c.value.(error)
	return err
}

// Recovered returns the value, for the debugger's page.
func (c *crash) Recovered() any { return c.value }

// Callers returns the program counters of the stack that panicked, also for the debugger's page.
func (c *crash) Callers() []uintptr { return c.callers }

// deadlined is the context of a request with a time limit. The time limit counts until the
// response has begun. The contexts of package context cannot do that.
//
// Value asks the outer context. That hides the inner context from package context: otherwise
// children would use the inner context's error, which is always Canceled. Children learn of the end
// through AfterFunc, and then call Err.
//
// Most handlers never wait for the end of their context. The channel is made only when a caller
// asks for it.
type deadlined struct {
	outer    context.Context
	guard    *timeoutGuard
	deadline time.Time
	whole    bool

	mu     sync.Mutex
	cause  error           // why this context ended before the outer one did
	inner  context.Context // it ends with this context; nil until a goroutine waits for the end
	cancel context.CancelCauseFunc
}

// waitable returns the context that signals the end.
func (d *deadlined) waitable() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner == nil {
		d.inner, d.cancel = context.WithCancelCause(d.outer)
		if d.cause != nil {
			d.cancel(d.cause)
		}
	}
	return d.inner
}

// end ends the context. The first cause counts.
func (d *deadlined) end(cause error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cause == nil && d.outer.Err() == nil {
		d.cause = cause
	}
	if d.cancel != nil {
		d.cancel(cause)
	}
}

// Done returns a channel that is closed when the context ends.
func (d *deadlined) Done() <-chan struct{} { return d.waitable().Done() }

// Deadline returns the end of the time limit as long as the limit counts.
func (d *deadlined) Deadline() (time.Time, bool) {
	outer, set := d.outer.Deadline()
	if set && outer.Before(d.deadline) || !d.whole && d.guard.Written() {
		return outer, set
	}
	return d.deadline, true
}

// Err returns DeadlineExceeded if the time limit ended the context.
func (d *deadlined) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.cause != nil:
		return d.cause
	case d.inner != nil:
		return d.inner.Err() // after the end this stays the error, however late the outer context ends
	}
	return d.outer.Err()
}

func (d *deadlined) Value(key any) any { return d.outer.Value(key) }

// AfterFunc saves children a goroutine each: see [context.AfterFunc].
func (d *deadlined) AfterFunc(f func()) func() bool { return context.AfterFunc(d.waitable(), f) }

// timeoutBody is the body of a request with a time limit. net/http cannot
// answer while the handler waits in Read, and it would wait for the rest of a
// body that has stopped coming.
type timeoutBody struct {
	io.ReadCloser
	guard   *timeoutGuard
	reading sync.Mutex // held by Read
	ended   bool       // guarded by reading
}

func (b *timeoutBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.guard.over() {
		return 0, http.ErrHandlerTimeout
	}
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err != nil
	return n, err
}

// stop ends a Read that waits, and lets the connection end with the response: it is unknown where
// the next request begins. Call it when the time is up.
func (b *timeoutBody) stop(r *http.Request) {
	if b.ReadCloser == nil || r.ContentLength == 0 {
		return
	}
	control := http.NewResponseController(b.guard.ResponseWriter)
	for !b.reading.TryLock() {
		// If the body sets deadlines itself, it may have replaced this one.
		if control.SetReadDeadline(time.Unix(1, 0)) != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	defer b.reading.Unlock()
	if !b.ended && control.SetReadDeadline(time.Unix(1, 0)) == nil && r.ProtoMajor == 1 {
		b.guard.ResponseWriter.Header().Set("Connection", "close")
	}
}

// timeoutGuard lets a handler write until its time is up. The header belongs to the handler until
// it is sent. After the time is up, no other goroutine may read a map that the handler still
// changes.
type timeoutGuard struct {
	responsewriter.Forward
	responsewriter.Shape
	header  http.Header
	context deadlined
	body    timeoutBody
	request http.Request // the header that the handler gets

	ended chan struct{} // closed when the handler has returned in time, or the time is up
	crash *crash        // how the handler ended, after that

	mu       sync.Mutex
	began    bool
	expired  bool
	returned bool
}

// over reports whether the time is up.
func (g *timeoutGuard) over() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.expired
}

// Written reports whether the response has begun.
func (g *timeoutGuard) Written() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.began
}

// timeUp ends the handler's right to answer, unless it has already begun to
// answer or returned.
func (g *timeoutGuard) timeUp() {
	g.mu.Lock()
	g.expired = !g.began && !g.returned
	expired, ends := g.expired, !g.returned && (!g.began || g.context.whole)
	g.mu.Unlock()
	if ends {
		g.context.end(context.DeadlineExceeded)
	}
	if expired {
		close(g.ended) // after the context has ended, so that it does not take over the end of the request
	}
}

// end passes on how the handler ended, and reports false if the time is up and no goroutine waits
// for the handler.
func (g *timeoutGuard) end(c *crash) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.expired {
		return false
	}
	g.crash, g.returned = c, true
	close(g.ended)
	return true
}

// begin is called before anything is sent, and sends the handler's header fields. It reports false
// once the time is up.
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

// finish passes on the header of a handler that wrote nothing, or the trailers
// of one that wrote.
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

// inform sends an interim response, which does not count as the response.
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
