package serving

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/internal/requestcopy"
	"github.com/zeugkit/zeug/internal/responsewriter"
)

// An exchange is a request and its response, for as long as the handler runs. It limits how long
// the server waits for the client, where the connection itself cannot do that:
//
//   - while a body is read, including the rest that net/http reads before it sends a response and
//     after the handler has returned;
//   - while a response is written over HTTP/2 and HTTP/3, where the client grants each response a
//     separate window.
//
// The handler gets a copy of the request with another body. net/http decides
// what to do with the rest of the body by the type of its own request's body,
// so that body stays where it is.
type exchange struct {
	responsewriter.Forward
	responsewriter.Shape

	conn    *conn // nil under another kind of server
	isHTTP1 bool  // on conn, which limits the writing
	isHTTP3 bool
	request http.Request // the body for the handler, if there is one
	body    io.ReadCloser
	reading *pace // the pace of the connection for HTTP/1, otherwise own
	own     pace
	writing pace
	whole   bool // the whole body has been read
	begun   bool // net/http has read its part of the body before the response
	// manually says that the application sets its own limits for reading or writing. Another
	// goroutine may set it while the handler reads, to end that read.
	manually struct{ reading, writing atomic.Bool }
}

// bounded puts an exchange around each request that needs one.
func (s *Server) bounded(app http.Handler) http.Handler {
	stall, rate := s.options.stall(), s.options.rate()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hasBody := r.ContentLength != 0 && r.Body != nil
		if !hasBody && r.ProtoMajor < 2 {
			app.ServeHTTP(w, r)
			return
		}
		x := &exchange{Forward: responsewriter.Forward{ResponseWriter: w}, whole: !hasBody, isHTTP3: r.ProtoMajor == 3}
		x.conn, _ = r.Context().Value(connKey{}).(*conn)
		if x.isHTTP1 = r.ProtoMajor < 2 && x.conn != nil; x.isHTTP1 {
			x.reading = &x.conn.reading
		} else {
			x.own = pace{stall: stall, rate: rate, conn: x.conn, owner: x}
			x.reading = &x.own
			x.writing = pace{stall: stall, conn: x.conn, owner: x}
			if x.conn != nil {
				x.conn.begin()
				defer x.conn.end()
			}
		}
		defer x.finish()
		if hasBody {
			x.body, x.request = r.Body, *r
			defer requestcopy.RemoveFiles(&x.request, r)
			r = &x.request
			r.Body = body{x}
		}
		app.ServeHTTP(x.Like(x, w), r)
	})
}

// finish limits what net/http does after the handler has returned.
func (x *exchange) finish() {
	if x.isHTTP1 {
		// net/http reads the rest of the body. The wait ends when the connection becomes idle.
		if !x.whole && !x.manually.reading.Load() && !x.reading.begin() {
			x.expired(x.reading)
		}
		return
	}
	x.clean()
	x.own.stop()
	x.writing.stop()
	if x.writing.stall == 0 {
		return
	}
	end, control := time.Now().Add(x.writing.stall), http.NewResponseController(x.ResponseWriter)
	if !x.manually.writing.Load() {
		_ = control.SetWriteDeadline(end)
	}
	if !x.whole && !x.manually.reading.Load() && x.request.ProtoMajor < 2 {
		_ = control.SetReadDeadline(end)
	}
}

// notOverHTTP3 are the fields that a response of HTTP/3 must not have (RFC
// 9114, section 4.2): the client would refuse the response. For HTTP/2 net/http
// leaves them out.
var notOverHTTP3 = [...]string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade"}

func (x *exchange) clean() {
	if !x.isHTTP3 {
		return
	}
	for _, name := range notOverHTTP3 {
		delete(x.Header(), name)
	}
}

// WriteHeader begins the response.
func (x *exchange) WriteHeader(status int) {
	x.clean()
	x.ResponseWriter.WriteHeader(status)
}

// past is a deadline in the past.
var past = time.Unix(1, 0)

// expired ends the operation that waits at one of the paces.
func (x *exchange) expired(p *pace) {
	control := http.NewResponseController(x.ResponseWriter)
	if p == &x.writing {
		_ = control.SetWriteDeadline(past)
	} else {
		_ = control.SetReadDeadline(past)
	}
}

// body is the request's body for the handler.
type body struct{ x *exchange }

func (b body) Read(p []byte) (int, error) {
	x := b.x
	if x.manually.reading.Load() {
		return x.read(p)
	}
	if !x.reading.begin() {
		return 0, stalled(os.ErrDeadlineExceeded)
	}
	n, err := x.read(p)
	x.reading.end(int64(n))
	return n, err
}

func (x *exchange) read(p []byte) (int, error) {
	n, err := x.body.Read(p)
	switch {
	case err == nil:
	case err == io.EOF:
		x.whole = true
	case errors.Is(err, os.ErrDeadlineExceeded), x.conn != nil && x.conn.dropped.Load():
		err = stalled(err)
	}
	return n, err
}

// stalled is the error of a body whose client is too slow.
func stalled(err error) error {
	return &httperror.Error{Code: httperror.RequestTimeout, Description: "The body of the request stopped coming.", Err: err}
}

// Close may read some of the rest, so that the connection can be reused.
func (b body) Close() error {
	x := b.x
	if x.manually.reading.Load() || !x.reading.begin() {
		return x.body.Close()
	}
	err := x.body.Close()
	x.reading.end(0)
	return err
}

// beginSend begins to wait for the client before something is written.
func (x *exchange) beginSend() error {
	switch {
	case !x.isHTTP1:
		x.clean()
		if !x.manually.writing.Load() && !x.writing.begin() {
			return os.ErrDeadlineExceeded
		}
	case x.whole || x.begun || x.manually.reading.Load():
	case x.reading.begin():
		x.conn.drains.Store(true) // until it writes
	default:
		x.expired(x.reading)
	}
	return nil
}

func (x *exchange) endSend(n int64) {
	switch {
	case !x.isHTTP1:
		if !x.manually.writing.Load() {
			x.writing.end(n)
		}
	case x.whole || x.begun || x.manually.reading.Load():
	case !x.conn.endDrain():
		x.begun = true
	}
}

// piece is how many bytes are written within one StallTimeout. So it sets a
// minimum rate: 256 KiB in 30 s are 9 KB/s, which every network reaches.
const piece = 256 << 10

func send[T string | []byte](x *exchange, p T, write func(T) (int, error)) (n int, err error) {
	for {
		part := p
		if !x.isHTTP1 {
			part = p[:min(len(p), piece)]
		}
		if err := x.beginSend(); err != nil {
			return n, err
		}
		m, err := write(part)
		x.endSend(int64(m))
		n += m
		if p = p[len(part):]; err != nil || len(p) == 0 {
			return n, err
		}
	}
}

func (x *exchange) Write(p []byte) (int, error) { return send(x, p, x.ResponseWriter.Write) }

// WriteString is Write without a copy.
func (x *exchange) WriteString(s string) (int, error) { return send(x, s, x.Forward.WriteString) }

// ReadFrom is for HTTP/1: no other protocol has it.
func (x *exchange) ReadFrom(r io.Reader) (int64, error) {
	if err := x.beginSend(); err != nil {
		return 0, err
	}
	n, err := x.Forward.ReadFrom(r)
	x.endSend(n)
	return n, err
}

// FlushError sends the buffered bytes.
func (x *exchange) FlushError() error {
	if err := x.beginSend(); err != nil {
		return err
	}
	err := x.Forward.FlushError()
	x.endSend(1) // whatever was buffered
	return err
}

// Hijack leaves the connection to the handler.
func (x *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := x.Forward.Hijack()
	if err == nil {
		x.whole = true
	}
	return c, rw, err
}

// Unwrap is for [http.ResponseController].
func (x *exchange) Unwrap() http.ResponseWriter { return deadlines{x.ResponseWriter, x} }

// deadlines lets an application limit reading and writing itself.
type deadlines struct {
	http.ResponseWriter
	x *exchange
}

// Unwrap returns the inner writer.
func (d deadlines) Unwrap() http.ResponseWriter { return d.ResponseWriter }

// SetReadDeadline replaces the server's own limit until it is called with zero.
func (d deadlines) SetReadDeadline(t time.Time) error {
	d.x.manually.reading.Store(!t.IsZero())
	return http.NewResponseController(d.ResponseWriter).SetReadDeadline(t)
}

// SetWriteDeadline replaces the server's own limit until it is called with zero.
func (d deadlines) SetWriteDeadline(t time.Time) error {
	d.x.manually.writing.Store(!t.IsZero())
	return http.NewResponseController(d.ResponseWriter).SetWriteDeadline(t)
}
