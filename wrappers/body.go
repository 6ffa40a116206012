package wrappers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// source is a body that is not in memory.
type source interface {
	// length is its size in bytes, -1 when not known.
	length() int64
	// sendTo writes all of it.
	sendTo(w streamTarget) error
}

// streamTarget is where a body goes: the client, or a buffer.
type streamTarget interface {
	io.Writer
	io.StringWriter
	Flush() error
}

// Reader returns a Response with a body that is read from r when it is sent.
// If r is also an [io.Closer] it is closed in the end, sent or not.
//
// size is the number of bytes that r will give, where the caller knows it; else
// it is found out where r tells: a file, a section, a buffer, anything that can
// seek. With a size the answer has a Content-Length, and [Response.MakeConditional]
// serves ranges of it: by seeking, or else by reading past what is not asked
// for. A regular file goes out by sendfile where the server can.
//
// An r with a method CopyN(w io.Writer, n int64) (int64, error) copies its next
// n bytes to the client by it.
//
// Bytes are taken from where r stands. Fewer of them than size break the
// connection off, more are not sent.
func Reader(contentType string, r io.Reader, size ...int64) *Response {
	resp := &Response{contentType: [1]string{withCharset(contentType)}}
	resp.SetReader(r, size...)
	return resp
}

// SetReader makes r the body, as [Reader] does.
func (resp *Response) SetReader(r io.Reader, size ...int64) {
	src := &readerSource{r: r, size: -1}
	if seeker, ok := r.(io.Seeker); ok {
		// A pipe or a terminal has the method and refuses.
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil {
			src.seeker, src.start = seeker, start
		}
	}
	if len(size) > 0 {
		src.size = size[0]
	} else {
		src.size = src.measure()
	}
	resp.setSource(src)
	if c, ok := r.(io.Closer); ok {
		resp.OnClose(c.Close)
	}
}

type readerSource struct {
	r      io.Reader
	seeker io.Seeker // nil where r cannot seek
	start  int64     // where r stood when it was given
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
		return -1 // a device's end says nothing
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
		// It may have been read before: by Bytes, or by a first serving.
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

// copyFrom copies r to w. A file is left to w, which may know sendfile; of
// anything else the first bytes are read before w is touched, so that a reader
// which fails at once leaves it untouched.
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

// handlerSource is a body, and a status, that another handler writes.
type handlerSource struct{ handler http.Handler }

func (handlerSource) length() int64 { return -1 }

func (handlerSource) sendTo(streamTarget) error { return errHandler }

var errHandler = errors.New("a response that is another handler has no body of its own: Capture it")

// Handler returns a Response that lets h answer: a plain handler as the result
// of a view, an upgrade to a WebSocket, a reverse proxy. The header fields of
// the Response are in place before h runs; status, body and the answer to
// conditions are h's.
func Handler(h http.Handler) *Response {
	resp := new(Response)
	resp.setSource(handlerSource{h})
	return resp
}

func (resp *Response) setSource(src source) {
	resp.text, resp.data, resp.source = "", nil, src
}

// SetBody makes b the body, without a copy.
func (resp *Response) SetBody(b []byte) {
	resp.text, resp.data, resp.source = "", b, nil
}

// SetText makes s the body.
func (resp *Response) SetText(s string) {
	resp.text, resp.data, resp.source = s, nil, nil
}

// Size is the length of the body in bytes, -1 when it is not known.
func (resp *Response) Size() int64 { return resp.size() }

func (resp *Response) size() int64 {
	switch {
	case resp.source != nil:
		return resp.source.length()
	case resp.data != nil:
		return int64(len(resp.data))
	}
	return int64(len(resp.text))
}

// Streamed reports whether the body is read or written when it is sent, rather
// than being in memory.
func (resp *Response) Streamed() bool { return resp.source != nil }

// Bytes returns the body. One that was not in memory is from now on: Bytes
// reads it to its end, whatever its size.
func (resp *Response) Bytes() ([]byte, error) {
	if resp.source != nil {
		var buf memory
		if err := resp.source.sendTo(&buf); err != nil {
			return nil, err
		}
		resp.SetBody(buf.Bytes())
	}
	if resp.data == nil && resp.text != "" {
		return []byte(resp.text), nil
	}
	return resp.data, nil
}

// memory is a buffer as the target of a body.
type memory struct{ bytes.Buffer }

func (*memory) Flush() error { return nil }

// Write appends to the body; with it a Response can be given to whatever
// writes: a template, a csv.Writer, a zip.Writer. A body that is read or
// streamed comes into memory first, as by [Response.Bytes].
func (resp *Response) Write(p []byte) (int, error) {
	if err := resp.writable(); err != nil {
		return 0, err
	}
	resp.data = append(resp.data, p...)
	return len(p), nil
}

// WriteString appends to the body, as [Response.Write] does.
func (resp *Response) WriteString(s string) (int, error) {
	if err := resp.writable(); err != nil {
		return 0, err
	}
	resp.data = append(resp.data, s...)
	return len(s), nil
}

// writable puts the body into data, where nobody else has it.
func (resp *Response) writable() error {
	if resp.source != nil {
		if _, err := resp.Bytes(); err != nil {
			return err
		}
	}
	if resp.text != "" {
		resp.data, resp.text = []byte(resp.text), ""
	}
	return nil
}

// WriteTo writes the body alone.
func (resp *Response) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w}
	err := resp.sendWhole(counted)
	return counted.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) WriteString(s string) (int, error) {
	n, err := io.WriteString(c.w, s)
	c.n += int64(n)
	return n, err
}

func (*counter) Flush() error { return nil }

// sendWhole writes all of the body.
func (resp *Response) sendWhole(w streamTarget) (err error) {
	switch {
	case resp.source != nil:
		return resp.source.sendTo(w)
	case resp.data != nil:
		_, err = w.Write(resp.data)
	default:
		_, err = w.WriteString(resp.text)
	}
	return err
}

// withCharset adds the charset that Go's strings have to a media type that is
// text and names none.
func withCharset(contentType string) string {
	if strings.Contains(contentType, ";") {
		return contentType
	}
	switch essence := strings.ToLower(strings.TrimSpace(contentType)); {
	case strings.HasPrefix(essence, "text/"), strings.HasSuffix(essence, "+xml"):
	case essence == "application/javascript", essence == "application/ecmascript", essence == "application/sql",
		essence == "application/xml", essence == "application/xml-dtd",
		essence == "application/xml-external-parsed-entity":
	default:
		return contentType
	}
	return contentType + "; charset=utf-8"
}
