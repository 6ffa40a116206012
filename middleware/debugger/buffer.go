package debugger

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
)

// bufferLimit is how much of an answer is held back so that the page can still
// replace it, in bytes. A longer one is sent on as it comes.
const bufferLimit = 1 << 20

// buffer is a ResponseWriter that holds an answer back until its handler
// returns. Who flushes or hijacks is a stream: what was held is sent, and the
// rest goes straight through.
type buffer struct {
	w      http.ResponseWriter
	status int
	body   []byte
	// before is the header as it was when the request came in.
	before http.Header
	// sent says that the answer has begun on the wire.
	sent bool
	// sealed says that the page has taken the answer's place: what the handler
	// or a middleware still writes is dropped.
	sealed bool
}

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func newBuffer(w http.ResponseWriter) *buffer {
	b := buffers.Get().(*buffer)
	*b = buffer{w: w, body: b.body[:0]}
	if h := w.Header(); len(h) > 0 {
		b.before = h.Clone()
	}
	return b
}

// release gives the buffer back; it must not be used after.
func (b *buffer) release() {
	b.w, b.before = nil, nil
	if cap(b.body) > 64<<10 {
		b.body = nil
	}
	buffers.Put(b)
}

// Unwrap is for [http.ResponseController].
func (b *buffer) Unwrap() http.ResponseWriter { return b.w }

// Header is the header that will be sent; after the page took the answer's
// place it leads nowhere.
func (b *buffer) Header() http.Header {
	if b.sealed {
		return http.Header{}
	}
	return b.w.Header()
}

func (b *buffer) WriteHeader(status int) {
	switch {
	case b.sealed:
	case b.sent, status >= 100 && status < 200 && status != http.StatusSwitchingProtocols:
		// An interim answer is not the answer, and net/http has its own word
		// for a second WriteHeader.
		b.w.WriteHeader(status)
	case b.status == 0:
		b.status = status
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	switch {
	case b.sealed:
		return len(p), nil
	case !b.sent && len(b.body)+len(p) <= bufferLimit:
		if b.status == 0 {
			b.status = http.StatusOK
		}
		b.body = append(b.body, p...)
		return len(p), nil
	}
	if err := b.commit(); err != nil {
		return 0, err
	}
	return b.w.Write(p)
}

// ReadFrom lets files that are longer than the limit go out by sendfile.
func (b *buffer) ReadFrom(src io.Reader) (int64, error) {
	if b.sealed {
		return io.Copy(io.Discard, src)
	}
	var n int64
	if !b.sent {
		var err error
		n, err = io.Copy(writerOnly{b}, io.LimitReader(src, int64(bufferLimit-len(b.body))))
		if err != nil || len(b.body) < bufferLimit {
			return n, err
		}
		if err := b.commit(); err != nil {
			return n, err
		}
	}
	rest, err := io.Copy(b.w, src)
	return n + rest, err
}

// writerOnly hides ReadFrom.
type writerOnly struct{ io.Writer }

// FlushError sends what was held and makes a stream of the answer.
func (b *buffer) FlushError() error {
	if b.sealed {
		return nil
	}
	if err := b.commit(); err != nil {
		return err
	}
	return http.NewResponseController(b.w).Flush()
}

// Flush is FlushError for those who ask for an [http.Flusher].
func (b *buffer) Flush() { _ = b.FlushError() }

// Hijack hands the connection over. Nothing that was held is sent.
func (b *buffer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(b.w).Hijack()
	if err == nil {
		b.sent = true
	}
	return conn, rw, err
}

// commit sends what was held.
func (b *buffer) commit() error {
	if b.sent || b.sealed {
		return nil
	}
	b.sent = true
	if b.status != 0 {
		b.w.WriteHeader(b.status)
	}
	if len(b.body) == 0 {
		return nil
	}
	_, err := b.w.Write(b.body)
	return err
}

// replace drops what was held, with the header fields that were set since the
// request came in, and sends another answer. It must not be called once sent.
func (b *buffer) replace(h http.Handler, r *http.Request) {
	header := b.w.Header()
	clear(header)
	maps.Copy(header, b.before)
	b.sealed = true
	h.ServeHTTP(b.w, r)
}
