package wrappers

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"sync"
)

// Stream returns a Response whose body the function writes while it is sent.
// It runs when the header may be sent. It does not run at all for a HEAD
// request, or if the status has no body. It runs in the request's goroutine,
// may take as long as it likes, and should return when a write fails or the
// request's context ends, because then the client has gone.
//
// If it returns an error before the first byte, that becomes the response, through
// [httperror.Respond]. A later error ends the connection.
func Stream(contentType string, write func(w *StreamWriter) error) *Response {
	resp := &Response{contentType: [1]string{withCharset(contentType)}}
	resp.setSource(&streamSource{write: write, size: -1})
	return resp
}

type streamSource struct {
	write func(*StreamWriter) error
	size  int64
}

func (src *streamSource) length() int64 { return src.size }

func (src *streamSource) sendTo(w streamTarget) error {
	return src.write(&StreamWriter{w})
}

// SetSize sets how many bytes a body that is read or streamed will have. It is
// then sent with a Content-Length, and its ranges can be served. Of a [Reader] no more bytes are
// sent; a body that ends before is broken off. -1 removes the size. It has no effect on a body in
// memory.
func (resp *Response) SetSize(n int64) {
	n = max(n, -1)
	switch src := resp.source.(type) {
	case *readerSource:
		src.size = n
	case *streamSource:
		src.size = n
	}
}

// StreamWriter is the writer for a stream function. Bytes may wait in the
// server's buffer until there are enough; Flush sends them.
type StreamWriter struct {
	target streamTarget
}

// Write writes to the body.
func (w *StreamWriter) Write(p []byte) (int, error) { return w.target.Write(p) }

// WriteString writes to the body.
func (w *StreamWriter) WriteString(s string) (int, error) { return w.target.WriteString(s) }

// ReadFrom copies r into the body, with sendfile if r is a file and the server
// supports that.
func (w *StreamWriter) ReadFrom(r io.Reader) (int64, error) { return copyFrom(w.target, r) }

// Flush sends what was written. It returns an error if the client has gone, but
// none if a middleware in between holds the body back.
func (w *StreamWriter) Flush() error { return w.target.Flush() }

// Controller returns the [http.ResponseController] of the connection, for
// deadlines. It is nil if the body is not written to a connection, for example
// by [Response.Bytes].
func (w *StreamWriter) Controller() *http.ResponseController {
	if out, ok := w.target.(*output); ok {
		return http.NewResponseController(out.w)
	}
	return nil
}

// handlerSource is a body, and a status, that another handler writes.
type handlerSource struct{ handler http.Handler }

func (handlerSource) length() int64 { return -1 }

func (handlerSource) sendTo(streamTarget) error { return errHandler }

var errHandler = errors.New("a response that is another handler has no body of its own: Capture it")

// Handler returns a Response that lets h answer: a plain handler as the result of a view, an
// upgrade to a WebSocket, a reverse proxy. The header fields of the Response are set before h runs;
// h sets the status and the body, and evaluates conditions.
func Handler(h http.Handler) *Response {
	resp := new(Response)
	resp.setSource(handlerSource{h})
	return resp
}

// Reader returns a Response with a body that is read from r when it is sent.
// If r is also an [io.Closer], it is closed at the end, whether it was sent or
// not.
//
// The size of the body is found out if r can report it: a file, a section, a buffer, anything that
// can seek. With a size the response has a Content-Length, and [Response.MakeConditional] serves
// ranges of it. It seeks, or otherwise reads and skips the other bytes. For other readers, set the
// size with [ReaderN] or [Response.SetSize]. A regular file is sent with sendfile if the server
// supports that.
//
// If r has a method CopyN(w io.Writer, n int64) (int64, error), that method
// copies the next n bytes to the client.
//
// Bytes are read from r's current position.
func Reader(contentType string, r io.Reader) *Response {
	resp := &Response{contentType: [1]string{withCharset(contentType)}}
	src := newReaderSource(r)
	src.size = src.measure()
	resp.setReader(src)
	return resp
}

func (resp *Response) setReader(src *readerSource) {
	resp.setSource(src)
	if c, ok := src.r.(io.Closer); ok {
		resp.OnClose(c.Close)
	}
}

func newReaderSource(r io.Reader) *readerSource {
	src := &readerSource{r: r, size: -1}
	if seeker, ok := r.(io.Seeker); ok {
		// A pipe or a terminal has the method, but it fails.
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			src.seeker, src.start = seeker, start
		}
	}
	return src
}

type readerSource struct {
	r      io.Reader
	seeker io.Seeker // nil if r cannot seek
	start  int64     // r's position when it was passed
	size   int64
}

// measure returns how many bytes are left in the reader, or -1.
func (src *readerSource) measure() int64 {
	if l, ok := src.r.(interface{ Len() int }); ok { // a bytes.Reader, a bytes.Buffer, a strings.Reader
		return int64(l.Len())
	}
	if src.seeker == nil {
		return -1
	}
	if f, ok := src.r.(fs.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return max(info.Size()-src.start, 0)
		}
		return -1 // the end of a device has no meaning
	}
	end, err := src.seeker.Seek(0, io.SeekEnd)
	if err != nil {
		return -1
	}
	if _, err := src.seeker.Seek(src.start, io.SeekStart); err != nil {
		return -1
	}
	return max(end-src.start, 0)
}

func (src *readerSource) length() int64 { return src.size }

func (src *readerSource) sendTo(w streamTarget) error {
	if src.seeker != nil {
		// The reader may have been used before: by Bytes, or when it was first served.
		if err := src.seek(0); err != nil {
			return err
		}
	}
	if src.size >= 0 {
		return src.copyN(w, src.size)
	}
	_, err := copyFrom(w, src.r)
	return err
}

// seek moves to an offset of the body.
func (src *readerSource) seek(offset int64) error {
	if _, err := src.seeker.Seek(src.start+offset, io.SeekStart); err != nil {
		return fmt.Errorf("body of a response: %w", err)
	}
	return nil
}

// copyN copies n bytes; fewer are an error.
func (src *readerSource) copyN(w io.Writer, n int64) error {
	var sent int64
	var err error
	if c, ok := src.r.(interface {
		CopyN(w io.Writer, n int64) (int64, error)
	}); ok {
		sent, err = c.CopyN(w, n)
	} else {
		sent, err = copyFrom(w, &io.LimitedReader{R: src.r, N: n})
	}
	if err == nil && sent < n {
		err = fmt.Errorf("body of a response: %d bytes of %d are missing: %w", n-sent, n, io.ErrUnexpectedEOF)
	}
	return err
}

// copyFrom copies r to w. A file is left to w, which may support sendfile. From
// any other reader, the first bytes are read before w is used, so that w stays
// unused if the reader fails at once.
func copyFrom(w io.Writer, r io.Reader) (int64, error) {
	inner := r
	if limited, ok := r.(*io.LimitedReader); ok {
		inner = limited.R
	}
	if _, ok := inner.(*os.File); ok {
		return io.Copy(w, r)
	}
	buf := buffers.Get().(*[32 << 10]byte)
	defer buffers.Put(buf)
	var sent int64
	for {
		n, err := r.Read(buf[:])
		if n > 0 {
			m, werr := w.Write(buf[:n])
			sent += int64(m)
			if werr != nil {
				return sent, werr
			}
		}
		if err == io.EOF {
			return sent, nil
		}
		if err != nil {
			return sent, fmt.Errorf("body of a response: %w", err)
		}
	}
}

// buffers are for bodies that are read.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}
