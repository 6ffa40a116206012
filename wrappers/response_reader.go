package wrappers

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

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

// buffers are for bodies that are read.
var buffers = sync.Pool{New: func() any { return new([32 << 10]byte) }}
