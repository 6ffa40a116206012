package debugger

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

// bufferLimit is how many bytes of a response are kept back so that the page can still replace it.
// A longer one is sent on as the handler writes it.
const bufferLimit = 1 << 20

// buffer is a ResponseWriter that holds a response back until its handler returns. A handler that
// flushes, hijacks or asks for full duplex makes a stream: the bytes kept so far are sent, and the
// rest goes straight through.
//
// To its handler it behaves like net/http's own writer. The header is recorded as it is at
// WriteHeader. A body that the status or the Content-Length does not allow is refused. A status
// that is not valid panics at once.
type buffer struct {
	responsewriter.Forward
	responsewriter.Shape

	// mu guards the fields below. A handler has one goroutine, but a handler that a time limit has
	// abandoned may still write while another one answers.
	mu     sync.Mutex
	state  state
	status int
	// length is the Content-Length that the handler promised, -1 for none, and
	// written is how many bytes it tried to write.
	length, written int64
	held            *hold
	// cut is called with the error that has ended a stream.
	cut func(*http.Request, error)
}

// state says who writes the response: the handler or the page.
type state int

const (
	holding   state = iota // the handler writes into the buffer
	streaming              // the handler writes directly to the client
	sealed                 // the page writes: the handler's further bytes are dropped
	over                   // nobody writes: the handler has returned
)

// hold is the memory of a buffer. No handler ever sees it, so that it can be
// used again for another request.
type hold struct {
	body []byte
	// before is the header when the request came in, and header is the header
	// when the response began.
	before, header headerCopy
}

var holds = sync.Pool{New: func() any { return new(hold) }}

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

// start begins a response through w, and returns the writer for the handler.
func (b *buffer) start(w http.ResponseWriter) http.ResponseWriter {
	b.ResponseWriter = w
	b.length = -1
	b.held = holds.Get().(*hold)
	b.held.before.take(w.Header())
	return b.Like(b, w)
}

// release frees the memory.
func (b *buffer) release() {
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
	holds.Put(h)
}

// below is the writer that an [http.ResponseController] finds inside the buffer.
type below struct {
	http.ResponseWriter // the buffer
	buffer              *buffer
}

// Unwrap is for [http.ResponseController].
func (b *buffer) Unwrap() http.ResponseWriter { return below{b, b} }

// Unwrap returns the writer inside the buffer.
func (u below) Unwrap() http.ResponseWriter { return u.buffer.ResponseWriter }

// EnableFullDuplex is for handlers that answer while they read. If their
// response were held back, both sides could wait for each other.
func (u below) EnableFullDuplex() error {
	u.buffer.mu.Lock()
	defer u.buffer.mu.Unlock()
	if u.buffer.state == holding {
		if err := u.buffer.commit(); err != nil {
			return err
		}
	}
	return http.NewResponseController(u.buffer.ResponseWriter).EnableFullDuplex()
}

// Held tells code that looks for it behind an Unwrap that a response that has begun can still be
// replaced. See [responsewriter.Held].
func (u below) Held() bool {
	u.buffer.mu.Lock()
	defer u.buffer.mu.Unlock()
	return u.buffer.state == holding
}

// CutShort receives the error that ended a response that had been sent in part.
// See [responsewriter.CutShort].
func (u below) CutShort(r *http.Request, err error) { u.buffer.cut(r, err) }

// Written reports whether the handler has begun to answer.
func (b *buffer) Written() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state != holding || b.status != 0
}

// Header is the header that will be sent; once the page has replaced the response, it is discarded.
func (b *buffer) Header() http.Header {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state >= sealed {
		return http.Header{}
	}
	return b.ResponseWriter.Header()
}

func (b *buffer) WriteHeader(status int) {
	b.mu.Lock()
	switch {
	case b.state >= sealed:
		b.mu.Unlock()
		return
	case b.state == holding && (status < 100 || status > 999):
		b.mu.Unlock()
		panic(fmt.Sprintf("invalid WriteHeader code %d", status)) // as in net/http
	case b.state == holding && (status >= 200 || status == http.StatusSwitchingProtocols):
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
func (b *buffer) begin(status int) {
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
func (b *buffer) superfluous() {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, zeug+"internal/responsewriter.") {
			log.Printf("http: superfluous response.WriteHeader call from %s (%s:%d)", frame.Function, frame.File, frame.Line)
			return
		}
		if !more {
			return
		}
	}
}

var errOver = errors.New("debugger: the handler has returned, and its answer is over")

func (b *buffer) Write(p []byte) (int, error) { return write(b, p, b.ResponseWriter.Write) }

// WriteString is Write without a copy of s.
func (b *buffer) WriteString(s string) (int, error) { return write(b, s, b.Forward.WriteString) }

func write[T string | []byte](b *buffer, p T, through func(T) (int, error)) (int, error) {
	b.mu.Lock()
	if b.state == holding {
		n, err := hold1(b, p)
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
	case sealed:
		return len(p), nil
	case over:
		return 0, errOver
	}
	return through(p)
}

var errNoRoom = errors.New("the buffer is full")

// hold1 keeps a part of the body, or returns errNoRoom.
func hold1[T string | []byte](b *buffer, p T) (int, error) {
	if b.status == 0 {
		b.begin(http.StatusOK)
	}
	switch {
	case len(p) == 0:
		return 0, nil
	case b.status < 200, b.status == http.StatusNoContent, b.status == http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed
	case len(b.held.body)+len(p) > bufferLimit:
		return 0, errNoRoom
	}
	if b.written += int64(len(p)); b.length >= 0 && b.written > b.length {
		return 0, http.ErrContentLength
	}
	b.held.body = append(b.held.body, p...)
	return len(p), nil
}

// ReadFrom lets net/http send files that are longer than the limit by sendfile.
func (b *buffer) ReadFrom(src io.Reader) (int64, error) {
	b.mu.Lock()
	state, room := b.state, 0
	if state == holding {
		room = bufferLimit - len(b.held.body)
	}
	b.mu.Unlock()
	switch state {
	case sealed:
		return io.Copy(io.Discard, src)
	case over:
		return 0, errOver
	case streaming:
		return b.Forward.ReadFrom(src)
	}
	n, err := io.Copy(writerOnly{b}, io.LimitReader(src, int64(room)))
	if err != nil || n < int64(room) {
		return n, err
	}
	b.mu.Lock()
	if b.state == holding {
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
func (b *buffer) FlushError() error {
	b.mu.Lock()
	switch {
	case b.state == sealed:
		b.mu.Unlock()
		return nil
	case b.state == over:
		b.mu.Unlock()
		return errOver
	case b.state == holding:
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
func (b *buffer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state >= sealed {
		return nil, nil, errOver
	}
	if b.state == holding && b.status != 0 {
		if err := b.commit(); err != nil {
			return nil, nil, err
		}
	}
	conn, rw, err := b.Forward.Hijack()
	if err == nil {
		b.state = streaming
	}
	return conn, rw, err
}

// commit sends the bytes kept so far, unchanged, and makes the response a stream.
func (b *buffer) commit() error {
	b.state = streaming
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

// finish sends the bytes kept so far and ends the response: later writes are refused.
func (b *buffer) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == holding {
		_ = b.commit() // the client has gone
	}
	b.state = over
	b.release()
}

// drop ends the response and discards the bytes kept so far.
func (b *buffer) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.state = over
	b.release()
}

// replace discards the bytes kept so far, and the header fields that were set since the request
// came in. It sends another response instead. It reports false if it is too late for that.
func (b *buffer) replace(answer func(http.ResponseWriter)) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != holding {
		return false
	}
	b.state = sealed
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
