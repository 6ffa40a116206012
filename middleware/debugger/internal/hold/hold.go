// Package hold keeps a response back until its handler returns, so that the page of a failure can replace
// it:
//
//	var response hold.Response
//	handler.ServeHTTP(response.Start(w), r)
//	response.Finish()                        // sends what was kept back; or, after a failure:
//	response.Replace(func(w http.ResponseWriter) { … })
//	response.Drop()
//
// A handler that flushes makes a stream, which can no longer be replaced.
package hold

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/internal/responsewriter"
)

// limit is how many bytes of a response are kept back so that the page can still replace it.
// A longer one is sent on as the handler writes it.
const limit = 1 << 20

// Response is a ResponseWriter that holds a response back until its handler returns. A handler that
// flushes, hijacks or asks for full duplex makes a stream: the bytes kept so far are sent, and the
// rest goes straight through.
//
// To its handler it behaves like net/http's own writer. The header is recorded as it is at
// WriteHeader. A body that the status or the Content-Length does not allow is refused. A status
// that is not valid panics at once.
type Response struct {
	responsewriter.Forward
	responsewriter.Shape

	// mu guards the fields below. A handler has one goroutine, but a handler that a time limit has
	// abandoned may still write while another one answers.
	mu     sync.Mutex
	state  State
	status int
	// length is the Content-Length that the handler promised, -1 for none, and
	// written is how many bytes it tried to write.
	length, written int64
	held            *memory
	// Cut is called with the error that has ended a stream.
	Cut func(*http.Request, error)
}

// State says who writes the response: the handler or the page.
type State int

const (
	Holding   State = iota // the handler writes into the buffer
	Streaming              // the handler writes directly to the client
	Sealed                 // the page writes: the handler's further bytes are dropped
	Over                   // nobody writes: the handler has returned
)

// memory is what a response needs while it is held back. No handler ever sees it, so that it can be
// used again for another request.
type memory struct {
	body []byte
	// before is the header when the request came in, and header is the header
	// when the response began.
	before, header headerCopy
}

var memories = sync.Pool{New: func() any { return new(memory) }}

// headerCopy is a copy of a header that shares the slices of its values.
type headerCopy []headerField

type headerField struct {
	name   string
	values []string
}

func (c *headerCopy) take(h http.Header) {
	for name, values := range h {
		*c = append(*c, headerField{name, values})
	}
}

func (c headerCopy) restore(h http.Header) {
	clear(h)
	for _, f := range c {
		h[f.name] = f.values
	}
}

// same reports whether h has not changed since it was recorded.
func (c headerCopy) same(h http.Header) bool {
	if len(h) != len(c) {
		return false
	}
	for _, f := range c {
		values, ok := h[f.name]
		if !ok || len(values) != len(f.values) || len(values) > 0 && &values[0] != &f.values[0] {
			return false
		}
	}
	return true
}

// Start begins a response through w, and returns the writer for the handler.
func (b *Response) Start(w http.ResponseWriter) http.ResponseWriter {
	b.ResponseWriter = w
	b.length = -1
	b.held = memories.Get().(*memory)
	b.held.before.take(w.Header())
	return b.Like(b, w)
}

// release frees the memory.
func (b *Response) release() {
	h := b.held
	if b.held = nil; h == nil {
		return
	}
	if h.body = h.body[:0]; cap(h.body) > 64<<10 {
		h.body = nil
	}
	for _, c := range []*headerCopy{&h.before, &h.header} {
		clear(*c)
		*c = (*c)[:0]
	}
	memories.Put(h)
}

// below is the writer that an [http.ResponseController] finds inside the buffer.
type below struct {
	http.ResponseWriter // the response
	response            *Response
}

// Unwrap is for [http.ResponseController].
func (b *Response) Unwrap() http.ResponseWriter { return below{b, b} }

// Unwrap returns the writer inside the buffer.
func (u below) Unwrap() http.ResponseWriter { return u.response.ResponseWriter }

// EnableFullDuplex is for handlers that answer while they read. If their
// response were held back, both sides could wait for each other.
func (u below) EnableFullDuplex() error {
	u.response.mu.Lock()
	defer u.response.mu.Unlock()
	if u.response.state == Holding {
		if err := u.response.commit(); err != nil {
			return err
		}
	}
	return http.NewResponseController(u.response.ResponseWriter).EnableFullDuplex()
}

// Held tells code that looks for it behind an Unwrap that a response that has begun can still be
// replaced. See [responsewriter.Held].
func (u below) Held() bool {
	u.response.mu.Lock()
	defer u.response.mu.Unlock()
	return u.response.state == Holding
}

// CutShort receives the error that ended a response that had been sent in part.
// See [responsewriter.CutShort].
func (u below) CutShort(r *http.Request, err error) { u.response.Cut(r, err) }

// Written reports whether the handler has begun to answer.
func (b *Response) Written() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state != Holding || b.status != 0
}

// State returns who writes.
func (b *Response) State() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state
}

// Header is the header that will be sent; once the page has replaced the response, it is discarded.
func (b *Response) Header() http.Header {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state >= Sealed {
		return http.Header{}
	}
	return b.ResponseWriter.Header()
}

func (b *Response) WriteHeader(status int) {
	b.mu.Lock()
	switch {
	case b.state >= Sealed:
		b.mu.Unlock()
		return
	case b.state == Holding && (status < 100 || status > 999):
		b.mu.Unlock()
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as in net/http
	case b.state == Holding && (status >= 200 || status == http.StatusSwitchingProtocols):
		repeated := b.status != 0
		if !repeated {
			b.begin(status)
		}
		b.mu.Unlock()
		if repeated {
			b.superfluous()
		}
		return
	}
	b.mu.Unlock()
	b.ResponseWriter.WriteHeader(status)
}

// begin records the present header.
func (b *Response) begin(status int) {
	b.status = status
	h := b.ResponseWriter.Header()
	b.held.header.take(h)
	if text := h.Get("Content-Length"); text != "" {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
			b.length = n
		}
	}
}

// superfluous says, in the words of net/http, that a status came too late.
func (b *Response) superfluous() {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "github.com/zeugkit/zeug/internal/responsewriter.") {
			log.Printf("http: superfluous response.WriteHeader call from %s (%s:%d)", frame.Function, frame.File, frame.Line)
			return
		}
		if !more {
			return
		}
	}
}

var errOver = errors.New("debugger: the handler has returned, and its answer is over")

func (b *Response) Write(p []byte) (int, error) { return write(b, p, b.ResponseWriter.Write) }

// WriteString is Write without a copy of s.
func (b *Response) WriteString(s string) (int, error) { return write(b, s, b.Forward.WriteString) }

func write[T string | []byte](b *Response, p T, through func(T) (int, error)) (int, error) {
	b.mu.Lock()
	if b.state == Holding {
		n, err := keep(b, p)
		if err != errNoRoom {
			b.mu.Unlock()
			return n, err
		}
		if err := b.commit(); err != nil {
			b.mu.Unlock()
			return 0, err
		}
	}
	state := b.state
	b.mu.Unlock()
	switch state {
	case Sealed:
		return len(p), nil
	case Over:
		return 0, errOver
	}
	return through(p)
}

var errNoRoom = errors.New("the buffer is full")

// keep keeps a part of the body, or returns errNoRoom.
func keep[T string | []byte](b *Response, p T) (int, error) {
	if b.status == 0 {
		b.begin(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case b.status < 200, b.status == http.StatusNoContent, b.status == http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed
	case len(b.held.body)+len(p) > limit:
		return 0, errNoRoom
	}
	if b.written += int64(len(p)); b.length >= 0 && b.written > b.length {
		return 0, http.ErrContentLength
	}
	b.held.body = append(b.held.body, p...)
	return len(p), nil
}

// ReadFrom lets net/http send files that are longer than the limit by sendfile.
func (b *Response) ReadFrom(src io.Reader) (int64, error) {
	b.mu.Lock()
	state, room := b.state, 0
	if state == Holding {
		room = limit - len(b.held.body)
	}
	b.mu.Unlock()
	switch state {
	case Sealed:
		return io.Copy(io.Discard, src)
	case Over:
		return 0, errOver
	case Streaming:
		return b.Forward.ReadFrom(src)
	}
	n, err := io.Copy(writerOnly{b}, io.LimitReader(src, int64(room)))
	if err != nil || n < int64(room) {
		return n, err
	}
	b.mu.Lock()
	if b.state == Holding {
		err = b.commit()
	}
	b.mu.Unlock()
	if err != nil {
		return n, err
	}
	rest, err := b.Forward.ReadFrom(src)
	return n + rest, err
}

// writerOnly hides ReadFrom.
type writerOnly struct{ io.Writer }

// FlushError sends the bytes kept so far and makes the response a stream.
func (b *Response) FlushError() error {
	b.mu.Lock()
	switch {
	case b.state == Sealed:
		b.mu.Unlock()
		return nil
	case b.state == Over:
		b.mu.Unlock()
		return errOver
	case b.state == Holding:
		if err := b.commit(); err != nil {
			b.mu.Unlock()
			return err
		}
	}
	b.mu.Unlock()
	return b.Forward.FlushError()
}

// Hijack hands the connection over, after the bytes kept so far: some handlers write a 101 and
// then take the connection.
func (b *Response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state >= Sealed {
		return nil, nil, errOver
	}
	if b.state == Holding && b.status != 0 {
		if err := b.commit(); err != nil {
			return nil, nil, err
		}
	}
	conn, rw, err := b.Forward.Hijack()
	if err == nil {
		b.state = Streaming
	}
	return conn, rw, err
}

// commit sends the bytes kept so far, unchanged, and makes the response a stream.
func (b *Response) commit() error {
	b.state = Streaming
	if b.status == 0 {
		return nil
	}
	w, live := b.ResponseWriter, b.ResponseWriter.Header()
	if !b.held.header.same(live) {
		// Fields that were set since are not part of the header, but may be trailers.
		late := maps.Clone(live)
		b.held.header.restore(live)
		defer func() {
			clear(live)
			maps.Copy(live, late)
		}()
	}
	w.WriteHeader(b.status)
	if len(b.held.body) == 0 {
		return nil
	}
	_, err := w.Write(b.held.body)
	return err
}

// Finish sends the bytes kept so far and ends the response: later writes are refused.
func (b *Response) Finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == Holding {
		_ = b.commit() // the client has gone
	}
	b.state = Over
	b.release()
}

// Drop ends the response and discards the bytes kept so far.
func (b *Response) Drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = Over
	b.release()
}

// Replace discards the bytes kept so far, and the header fields that were set since the request
// came in. It sends another response instead. It reports false if it is too late for that.
func (b *Response) Replace(answer func(http.ResponseWriter)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != Holding {
		return false
	}
	b.state = Sealed
	header := b.ResponseWriter.Header()
	shared := sharing(header)
	b.held.before.restore(header)
	maps.Copy(header, shared)
	answer(b.ResponseWriter)
	return true
}

// sharing returns the fields that let a page of another origin read a response. That is safe,
// because the guard also decides which clients may have the debugger's page.
func sharing(h http.Header) http.Header {
	var list http.Header
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers"} {
		if values := h[name]; values != nil {
			if list == nil {
				list = http.Header{}
			}
			list[name] = values
		}
	}
	return list
}
