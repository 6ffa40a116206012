package wsgi

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/httplex"
)

// exchange is one request that a worker handles. The slot is free as soon as the worker no longer
// needs it, which may be before the client has the response.
type exchange struct {
	application *Application
	ticket      *ticket
	slot        *slot // nil until the request has a slot, and after the slot is returned
	w           http.ResponseWriter
	r           *http.Request
	body        *body

	begun   bool // the header has been written to w
	gone    bool // the client has gone, and the worker knows
	bodyErr error
	out     *outlet
	stop    func() bool // stops the notice that the client has left

}

// run sends the request and passes the response on. If it returns an error, the
// response is not complete.
func (x *exchange) run() error {
	var err error
	x.slot, err = x.application.pool.take(x.r.Context(), x.ticket)
	if silent := (silentError{}); errors.As(err, &silent) {
		return x.silent(silent.worker)
	}
	if err != nil {
		return unavailable(err)
	}
	x.out = &outlet{w: x.w, limit: x.application.config.BufferAnswer, budget: &x.application.pool.buffers}
	defer x.over()
	x.patience()
	if err := x.slot.sendRest(x.ticket); err != nil {
		return x.broken(err)
	}
	err = x.answer()
	x.out.finish()
	return err
}

// silent answers a request that a worker is silent about.
func (x *exchange) silent(w *worker) error {
	x.application.config.Logger.Error("wsgi: a worker does not answer", "pid", w.process.pid(),
		"method", x.r.Method, "path", x.r.URL.Path, "after", x.application.config.RequestTimeout)
	x.application.pool.hangs(w)
	return httperror.Wrap(httperror.GatewayTimeout, ErrTimeout)
}

// patience restarts the time within which the worker must send something.
func (x *exchange) patience() {
	x.slot.patience(x.application.config.RequestTimeout)
}

// over says that the worker no longer needs to know that the client has left.
func (x *exchange) over() {
	if x.stop != nil {
		x.stop()
		x.stop = nil
	}
}

// broken ends an exchange whose slot is out of step: the worker has ended,
// hangs, or breaks the protocol.
func (x *exchange) broken(err error) error {
	pool, s := x.application.pool, x.slot
	x.slot = nil
	x.over()
	pool.avoid(s.worker)
	if errors.Is(err, os.ErrDeadlineExceeded) && !hasEnded(s.worker.process) {
		pool.drop(s)
		return x.silent(s.worker)
	}
	s.worker.process.kill() // if the worker has not ended, its message is malformed
	pool.drop(s)
	return httperror.Wrap(httperror.BadGateway, &lostError{err})
}

func hasEnded(p process) bool {
	select {
	case <-p.ended():
		return true
	default:
		return false
	}
}

// release returns the slot once the worker says that it is idle: close() of the
// application's iterable may take time, for which the client need not wait.
func (x *exchange) release() error {
	s := x.slot
	x.over()
	if s.buffered() < 4 {
		x.slot = nil
		go x.application.pool.idle(s)
		return nil
	}
	kind, n, err := s.header()
	if err != nil || kind&^last != 'I' || n != 0 {
		return x.broken(fmt.Errorf("after the answer came %q", kind))
	}
	x.slot = nil
	s.asks = kind == 'i'
	x.application.pool.put(s)
	return nil
}

// idle waits until the worker has finished with a request that is answered.
func (p *pool) idle(s *slot) {
	s.patience(p.config.RequestTimeout)
	for {
		kind, n, err := s.header()
		if err == nil && kind&^last == 'I' {
			s.asks = kind == 'i'
			p.put(s)
			return
		}
		if err == nil {
			err = s.skip(n)
		}
		if err != nil {
			p.drop(s)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				p.hangs(s.worker)
			}
			return
		}
	}
}

// answer passes frames on until the answer is complete.
func (x *exchange) answer() error {
	unflushed := false // WSGI does not allow holding back a part
	for {
		if unflushed {
			if next, _ := x.slot.peek(min(1, x.slot.buffered())); len(next) == 0 || next[0]&^last != 'B' {
				x.out.flush()
				unflushed = false
			}
		}
		kind, n, err := x.slot.header()
		if err != nil {
			return x.broken(err)
		}
		switch kind {
		case 'H', 'h':
			n, err = x.head(kind, n)
		case 'B', 'b':
		case 'f', 'n':
			return x.file(kind, n)
		case 'm':
			return x.shared(n)
		case 'W':
			if err := x.pull(); err != nil {
				return x.broken(err)
			}
			continue
		case 'T':
			return x.raised(n)
		case 'A':
			return x.aborted()
		case 'I', 'i':
			// The response ended without a last frame, because the client has gone.
			pool, s := x.application.pool, x.slot
			x.slot = nil
			s.asks = kind == 'i'
			pool.put(s)
			return nil
		default:
			err = fmt.Errorf("a frame %q", kind)
		}
		if err != nil {
			return x.broken(err)
		}
		if kind&last != 0 {
			return x.end(n)
		}
		done, err := x.pass(n)
		if done || err != nil {
			return err
		}
		unflushed = n > 0
	}
}

// head begins the response and returns how much of the body follows.
func (x *exchange) head(kind byte, n int) (int, error) {
	b, err := x.slot.peek(6)
	if err != nil {
		return 0, err
	}
	status, size := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint32(b[2:]))
	x.slot.discard(6)
	if n -= 6 + size; n < 0 || x.begun {
		return 0, errors.New("a head that does not fit")
	}
	if err := x.fields(size); err != nil {
		return 0, err
	}
	h := x.w.Header()
	length := int64(-1)
	if kind == 'h' && n > 0 {
		length = int64(n)
	} else if kind == 'H' && n == 0 {
		length = x.announced()
	}
	if length >= 0 && h["Content-Length"] == nil && status != http.StatusNoContent && status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	if kind == 'H' && !x.body.complete && !x.body.ended && x.r.ProtoMajor == 1 {
		// The application may go on reading while it answers, so the server must not drain the
		// body, and must not use the connection again.
		if http.NewResponseController(x.w).EnableFullDuplex() == nil {
			h["Connection"] = []string{"close"}
		}
	}
	x.begun = true
	x.w.WriteHeader(status)
	if kind == 'H' {
		s, number := x.slot, x.ticket.number
		x.stop = context.AfterFunc(x.r.Context(), func() { s.clientGone(number) })
	}
	return n, nil
}

// announced is the length of the content after a header that comes without a body: a file, or a
// part of the shared memory.
func (x *exchange) announced() int64 {
	b, err := x.slot.peek(12)
	if err != nil {
		return -1
	}
	switch b[0] {
	case 'm':
		return int64(binary.BigEndian.Uint32(b[4:]))
	case 'f', 'n':
		if b, err = x.slot.peek(20); err == nil {
			return int64(binary.BigEndian.Uint64(b[12:]))
		}
	}
	return -1
}

// fields reads the header of the response. The server sets the fields about the connection itself,
// so these are left out: fields with a name of this kind, and fields that Connection names (RFC
// 9110, section 7.6.1).
func (x *exchange) fields(size int) error {
	var b []byte
	var err error
	if size <= len(x.slot.buffer) {
		if b, err = x.slot.peek(size); err == nil {
			x.slot.discard(size)
		}
	} else {
		b, err = x.slot.payload(size)
	}
	if err != nil {
		return err
	}
	h := x.w.Header()
	typed, text := false, string(b)
	hops := hopByHop(text)
	for text != "" {
		var name, value string
		name, text, _ = strings.Cut(text, "\n")
		value, text, _ = strings.Cut(text, "\n")
		name = textproto.CanonicalMIMEHeaderKey(name)
		if slices.Contains(hops, name) {
			continue
		}
		switch name {
		case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
			continue
		case "Content-Type":
			typed = true
			h.Del(name)
		case "Content-Length", "Date", "Server", "Location", "Etag", "Last-Modified":
			h.Del(name) // one value of each, whatever a middleware has set
		}
		h[name] = append(h[name], value)
	}
	if !typed {
		h["Content-Type"] = nil // if the application does not set it, it is not guessed
	}
	return nil
}

// hopByHop returns the names in the Connection fields of a header. lines holds the names and values
// of the header.
func hopByHop(text string) (names []string) {
	const field = "connection"
	for text != "" {
		name, rest, _ := strings.Cut(text, "\n")
		value, next, _ := strings.Cut(rest, "\n")
		if text = next; len(name) == len(field) && strings.EqualFold(name, field) {
			for item := range httplex.Items(value) {
				names = append(names, textproto.CanonicalMIMEHeaderKey(item))
			}
		}
	}
	return names
}

// pass sends n bytes of the response to the client as they arrive. It reports done if these bytes
// are the last ones.
func (x *exchange) pass(n int) (done bool, err error) {
	if n == 0 {
		return false, nil
	}
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	for n > 0 {
		k, err := x.slot.Read(block[:min(n, blockSize)])
		if err != nil {
			return false, x.broken(err)
		}
		n -= k
		if n == 0 && x.endFollows() {
			err := x.release()
			x.write(block[:k])
			return true, err
		}
		x.write(block[:k])
		x.patience()
	}
	return false, nil
}

// endFollows reads a last frame without content, if one has already arrived.
func (x *exchange) endFollows() bool {
	if x.slot.buffered() < 4 {
		return false
	}
	b, _ := x.slot.peek(4)
	if b[0] != 'b' || b[1]|b[2]|b[3] != 0 {
		return false
	}
	x.slot.discard(4)
	return true
}

// end sends the last n bytes to the client. It first reads as much as a block
// holds, so that the worker need not wait for the client.
func (x *exchange) end(n int) error {
	if n > blockSize {
		if _, err := x.pass(n); err != nil {
			return err
		}
		n = 0
	}
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	if _, err := io.ReadFull(x.slot, block[:n]); err != nil {
		return x.broken(err)
	}
	err := x.release()
	x.write(block[:n])
	return err
}

func (x *exchange) write(p []byte) {
	if x.gone || len(p) == 0 {
		return
	}
	if err := x.out.write(p); err != nil {
		x.gone = true
		if x.slot != nil {
			x.slot.clientGone(x.ticket.number)
		}
	}
}

// pull passes on the body as the client sends it, up to the size that the worker wants.
func (x *exchange) pull() error {
	b, err := x.slot.peek(8)
	if err != nil {
		return err
	}
	want, fresh := int(binary.BigEndian.Uint32(b)), int(binary.BigEndian.Uint32(b[4:]))
	x.slot.discard(8)
	if fresh != 0 {
		if err := x.slot.shareIntake(fresh); err != nil {
			return err
		}
	}
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	into := block[8:]
	if x.slot.intake != nil {
		into = x.slot.intake
	}
	n := 0
	if !x.body.complete && !x.body.ended && want > 0 {
		n, err = io.ReadAtLeast(x.body.rest, into[:min(want, len(into))], 1)
		x.body.ended = err == io.EOF
	}
	x.patience()
	if err != nil && err != io.EOF && n == 0 {
		x.bodyErr = err
		return x.slot.send('X', x.ticket.number, block[:8]) // the worker waits for an answer
	}
	if x.slot.intake != nil {
		return x.slot.sendSized('S', x.ticket.number, block[:8], n)
	}
	return x.slot.send('D', x.ticket.number, block[:8+n])
}

// raised answers a request whose application raised an exception before anything was sent.
func (x *exchange) raised(n int) error {
	text, err := x.slot.payload(n)
	if err != nil {
		return x.broken(err)
	}
	if err := x.release(); err != nil {
		return err
	}
	return httperror.Wrap(httperror.InternalServerError, &Traceback{Text: string(text)})
}

// aborted is the response to a client that has gone, or whose body cannot be read.
func (x *exchange) aborted() error {
	err := x.release()
	switch {
	case err != nil:
		return err
	case x.begun:
		return errors.New("wsgi: the application has cut its answer off")
	case x.bodyErr != nil:
		return bodyError(x.bodyErr)
	}
	return httperror.Wrap(httperror.BadGateway, errors.New("wsgi: the application has given up"))
}
