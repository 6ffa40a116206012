package middleware

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
	"github.com/zeugkit/zeug/internal/secret"
	"github.com/zeugkit/zeug/internal/serverlog"
)

// Lint finds mistakes of handlers that net/http ignores or notices too late, and says in which
// line they were made (Werkzeug's LintMiddleware). It is for tests and development. Responses stay
// the same. Only a handler that uses its response after it has returned gets an error instead of
// undefined behaviour.
//
// Its checks are, by name:
//
//	status           a second WriteHeader; a status that is not valid or not registered
//	body             a body with a status that has none: 1xx, 204, 304
//	content-length   more or fewer bytes than Content-Length says, a value that is
//	                 not a length, a length with a status that has none
//	content-type     a body without Content-Type, which the server then guesses
//	header           a field changed after the header was sent; a name or value that
//	                 no field can have; a key of the map that is not canonical; a field
//	                 Status, which CGI takes for the status
//	etag             an ETag without quotes, or weak by a small w
//	date             Last-Modified, Expires or Date that is not a date
//	entity           304 with fields about a body
//	location         a redirect without Location; one with spaces, controls or backslashes
//	required         401 without WWW-Authenticate, 405 without Allow, 407 without
//	                 Proxy-Authenticate, 416 or 206 without Content-Range, 426 without Upgrade
//	vary             Content-Encoding, or an allowed origin by name, without Vary
//	cache            Set-Cookie in an answer that shared caches may keep
//	returned         the writer, the header or the request's body used after the handler
//	                 has returned
//	concurrent       the writer used by two goroutines at once
//	hijacked         the writer used after its connection was hijacked
//	unread           a body that a handler accepted without reading it
//	lost             a writer without Flusher, Hijacker or ReaderFrom though the server's has
//	                 them: a middleware outside of the Lint lost it
//
// Put it around the handler to check. Put it around the whole application to check the middlewares
// too, and also around the innermost handler to see which abilities the middlewares lose.
type Lint struct {
	// Report gets each finding as soon as it is made, on the goroutine that made
	// it. If nil, findings are logged as warnings, each once for each place.
	Report func(*http.Request, Finding)
}

// Finding is a mistake that a [Lint] found.
type Finding struct {
	// Check is the name of the check.
	Check string
	// Message says what is wrong.
	Message string
	// Where is the call that caused it, as "file:line (function)". If the fault shows only when the
	// handler returns, Where is the handler.
	Where string
	// First is an earlier call that contradicts this one, if there was one.
	First string
}

// String returns the finding on one line.
func (f Finding) String() string {
	s := f.Check + ": " + f.Message + " at " + f.Where
	if f.First != "" {
		s += ", first at " + f.First
	}
	return s
}

// Wrap returns next with the checks around it.
func (l Lint) Wrap(next http.Handler) http.Handler {
	report := l.Report
	if report == nil {
		report = logOnce()
	}
	handler := handlerPlace(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lw := &linted{
			Forward: responsewriter.Forward{ResponseWriter: w}, handler: handler, length: -1, method: r.Method,
			report: func(f Finding) { report(r, f) },
		}
		lw.checkWriter(w, r)
		observed := r
		if r.Body != nil && r.Body != http.NoBody {
			observed = r.WithContext(r.Context())
			lw.body = &lintedBody{ReadCloser: r.Body, w: lw}
			observed.Body = lw.body
		}
		panicked := true
		defer func() { lw.end(r, panicked) }()
		requestcopy.Serve(next, lw.Like(lw, w), observed, r)
		panicked = false
	})
}

// logOnce returns a report that logs.
func logOnce() func(*http.Request, Finding) {
	var seen sync.Map
	return func(r *http.Request, f Finding) {
		if _, twice := seen.LoadOrStore([2]string{f.Check, f.Where}, true); twice {
			return
		}
		serverlog.From(r.Context()).WarnContext(r.Context(), "lint", "check", f.Check, "message", f.Message, "where", f.Where, "first", f.First, "method", r.Method, "uri", secret.URI(r.RequestURI))
	}
}

// linted is a writer that checks its calls.
type linted struct {
	responsewriter.Forward
	responsewriter.Shape
	report  func(Finding)
	handler string
	method  string
	body    *lintedBody
	busy    atomic.Int32

	returned atomic.Bool

	mu       sync.Mutex // held during each call of the writer
	status   int
	sentAt   string
	sent     http.Header // as it was sent
	length   int64       // of Content-Length, or -1
	bytes    int64
	hijacked bool
	ending   bool // the findings are reported when the handler ends
}

var errReturned = errors.New("the handler has returned")

// enter begins a call of the writer; leave ends it. It reports false if the call must not reach
// the writer.
func (w *linted) enter(what string) bool {
	crowded := w.busy.Add(1) > 1
	w.mu.Lock()
	if crowded {
		w.find("concurrent", what+" while another goroutine used the writer", "")
	}
	switch {
	case w.returned.Load():
		w.find("returned", what+" after the handler has returned", "")
		return false
	case w.hijacked:
		w.find("hijacked", what+" after the connection was hijacked", "")
	}
	return true
}

func (w *linted) leave() {
	w.mu.Unlock()
	w.busy.Add(-1)
}

func (w *linted) find(check, message, first string) {
	where := w.handler
	if !w.ending {
		where = callPlace(w.handler)
	}
	w.report(Finding{check, message, where, first})
}

// Header returns the header, which is checked when it is sent.
func (w *linted) Header() http.Header {
	if w.returned.Load() {
		w.find("returned", "Header after the handler has returned", "")
		return http.Header{}
	}
	return w.ResponseWriter.Header()
}

// WriteHeader checks the status and the header.
func (w *linted) WriteHeader(status int) {
	defer w.leave()
	if !w.enter("WriteHeader") {
		return
	}
	switch {
	case w.status != 0:
		w.find("status", fmt.Sprintf("WriteHeader(%d) after status %d", status, w.status), w.sentAt)
	case status < 100 || status > 999:
		w.find("status", fmt.Sprintf("WriteHeader(%d), which is not a status", status), "")
	case http.StatusText(status) == "":
		w.find("status", fmt.Sprintf("WriteHeader(%d), which is not a registered status", status), "")
	}
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.send(status)
	}
	w.ResponseWriter.WriteHeader(status)
	w.settle()
}

// Write checks the size.
func (w *linted) Write(p []byte) (int, error) {
	defer w.leave()
	if !w.enter("Write") {
		return 0, errReturned
	}
	w.check(int64(len(p)))
	n, err := w.ResponseWriter.Write(p)
	w.settle()
	return n, err
}

// WriteString checks the size.
func (w *linted) WriteString(s string) (int, error) {
	defer w.leave()
	if !w.enter("Write") {
		return 0, errReturned
	}
	w.check(int64(len(s)))
	n, err := w.Forward.WriteString(s)
	w.settle()
	return n, err
}

// ReadFrom checks the size, if it is known.
func (w *linted) ReadFrom(r io.Reader) (int64, error) {
	defer w.leave()
	if !w.enter("ReadFrom") {
		return 0, errReturned
	}
	if w.status != 0 {
		w.unchanged()
	}
	n, err := w.Forward.ReadFrom(r)
	w.settle()
	if n > 0 {
		w.check(n)
	}
	return n, err
}

// FlushError sends the header.
func (w *linted) FlushError() error {
	defer w.leave()
	if !w.enter("Flush") {
		return errReturned
	}
	if w.status == 0 {
		w.send(http.StatusOK)
	} else {
		w.unchanged()
	}
	err := w.Forward.FlushError()
	w.settle()
	return err
}

// Hijack ends the checks: the server has no part in the bytes that follow.
func (w *linted) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	defer w.leave()
	if !w.enter("Hijack") {
		return nil, nil, errReturned
	}
	conn, buf, err := w.Forward.Hijack()
	w.hijacked = w.hijacked || err == nil
	return conn, buf, err
}

// send checks the header that is sent now.
func (w *linted) send(status int) {
	w.status, w.sentAt = status, w.handler
	if !w.ending {
		w.sentAt = callPlace(w.handler)
	}
	h := w.ResponseWriter.Header()
	w.sent = h.Clone()
	if w.sent == nil {
		w.sent = http.Header{}
	}
	for _, m := range headerMistakes(status, w.sent) {
		w.find(m.check, m.message, "")
	}
	if n, err := strconv.ParseUint(w.sent.Get("Content-Length"), 10, 63); err == nil {
		w.length = int64(n)
	}
}

// check counts n more bytes of the body.
func (w *linted) check(n int64) {
	if w.status == 0 {
		w.send(http.StatusOK)
	} else {
		w.unchanged()
	}
	if n == 0 || w.hijacked {
		return
	}
	if !hasBody(w.status) {
		w.find("body", fmt.Sprintf("%d bytes with status %d, which has no body", n, w.status), w.sentAt)
		return
	}
	if _, set := w.sent["Content-Type"]; !set && w.bytes == 0 {
		w.find("content-type", "a body without Content-Type: the server guesses one", "")
	}
	if before := w.bytes; w.length >= 0 && before <= w.length && before+n > w.length {
		w.find("content-length", fmt.Sprintf("more than the %d bytes that Content-Length says", w.length), w.sentAt)
	}
	w.bytes += n
}

// end checks what the handler has left undone.
func (w *linted) end(r *http.Request, panicked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ending = true
	defer func() {
		w.ending = false
		w.returned.Store(true)
	}()
	if panicked || w.hijacked {
		return
	}
	if w.status == 0 {
		w.send(http.StatusOK) // as the server does now
	} else {
		w.unchanged()
	}
	if w.length >= 0 && w.bytes < w.length && w.method != http.MethodHead && hasBody(w.status) {
		w.find("content-length", fmt.Sprintf("%d bytes, but Content-Length says %d", w.bytes, w.length), w.sentAt)
	}
	if w.body != nil && w.status < 300 && r.ContentLength != 0 && !w.body.used.Load() {
		w.find("unread", fmt.Sprintf("status %d to a request whose body was not read", w.status), "")
	}
}

// lintedBody is a request's body with checks.
type lintedBody struct {
	io.ReadCloser
	w    *linted
	used atomic.Bool
}

func (b *lintedBody) Read(p []byte) (int, error) {
	b.used.Store(true)
	if b.w.returned.Load() {
		b.w.find("returned", "the request's body read after the handler has returned", "")
		return 0, http.ErrBodyReadAfterClose
	}
	return b.ReadCloser.Read(p)
}

func (b *lintedBody) Close() error {
	b.used.Store(true)
	return b.ReadCloser.Close()
}

// hasBody reports whether a response with this status may have a body (RFC
// 9110, section 6.4.1).
func hasBody(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
