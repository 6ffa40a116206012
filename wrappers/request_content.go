package wrappers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/zeugkit/zeug/httperror"
)

// content is the body of a request, and the results of parsing it. It is the
// Body of the [http.Request], so it is part of every copy of the request, and
// also limits what plain handlers read.
type content struct {
	own      http.Request // the first Request's copy of the server's request, with this as its Body
	src      io.ReadCloser
	replaced *content  // the earlier body of first, if a view has replaced it by this one
	first    *Request  // the first Request that used the body; its settings limit plain reading
	settings *Settings // the settings of an inner Wrap, which then limit plain reading instead
	length   int64     // the declared Content-Length, or -1
	limit    int64
	read     int64 // how many bytes have arrived
	err      error // how the reading ended, including io.EOF

	data   []byte // the whole content, once kept
	kept   bool
	replay int       // how many bytes of data plain reading has returned
	again  io.Reader // the form that is written again for plain reading

	form formState
}

// body returns the content that is the Body, nil if there is none. If the view
// has replaced the Body by another reader, that becomes the content.
func (req *Request) body() *content {
	if c, ok := req.Request.Body.(*content); ok && c == req.content {
		return c
	}
	if req.Request.Body == nil || req.Request.Body == http.NoBody || req.shallow {
		return nil
	}
	c := &content{src: req.Request.Body, first: req, settings: req.settings, length: -1}
	if req.content != nil && req.content.first == req {
		c.replaced = req.content
	}
	req.content, req.Request.Body = c, c
	return c
}

// Read is plain reading. If [Request.Data] or an urlencoded form kept the body, it is returned again
// from its start. A multipart form is written again.
func (b *content) Read(p []byte) (int, error) {
	if b.kept {
		if b.replay == len(b.data) {
			return 0, io.EOF
		}
		n := copy(p, b.data[b.replay:])
		b.replay += n
		return n, nil
	}
	if b.again == nil && b.form.parsed && b.form.boundary != "" {
		b.again = b.form.body()
	}
	if b.again != nil {
		return b.again.Read(p)
	}
	if b.read == 0 {
		settings := b.settings
		if settings == nil {
			settings = b.first.reading()
		}
		if err := b.bound(settings.Limits.body()); err != nil {
			return 0, err
		}
	}
	return b.fetch(p)
}

// Close closes the server's body.
func (b *content) Close() error { return b.src.Close() }

// bound sets the limit for the bytes that are read from now on, and compares the declared length
// with it.
func (b *content) bound(limit int64) error {
	b.limit = limit
	if b.length > limit {
		return tooLarge("The body of %d bytes exceeds the limit of %d bytes.", b.length, limit)
	}
	return nil
}

// fetch reads from the client, within the limit. It reads at most one byte
// more, to find out whether the body ends there.
func (b *content) fetch(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if left := b.limit - b.read; int64(len(p)) > left {
		p = p[:left+1]
	}
	n, err := b.src.Read(p)
	b.read += int64(n)
	if over := b.read - b.limit; over > 0 {
		n -= int(over)
		err = tooLarge("The body exceeds the limit of %d bytes.", b.limit)
	} else if err != nil && err != io.EOF {
		err = readError(err)
	}
	b.err = err
	return n, err
}

// keep reads the whole content into memory and keeps it.
func (b *content) keep(limit int64) ([]byte, error) {
	if b.kept {
		return b.data, nil
	}
	if err := b.bound(limit); err != nil {
		return nil, err
	}
	// A declared length is trusted up to a limit: memory is allocated as bytes arrive.
	size := int64(bytes.MinRead)
	if b.length > 0 {
		size = min(b.length, 512<<10) + 1 // the end is read together with the last byte
	}
	data := make([]byte, 0, size)
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := b.fetch(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	b.data, b.kept = data, true
	return data, nil
}

// open returns the content for parsing: the kept bytes, or else the stream.
func (b *content) open(limit int64) (io.Reader, error) {
	if b.kept {
		return bytes.NewReader(b.data), nil
	}
	if err := b.bound(limit); err != nil {
		return nil, err
	}
	return readerFunc(b.fetch), nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

var errBodyStreamed = errors.New("the body was read as a multipart form and is not kept")

// Data returns the whole body (Werkzeug's get_data). It is kept, so that a
// second call, the form, JSON and plain handlers that read the Body can use it.
// It returns an error if the body was read as a multipart form before: the bytes became the fields
// and files and are not kept. If you call Data first, both work.
//
// The bytes are shared, not copied: do not change them. Errors answer the request: 413 beyond
// [Limits].Body, 400 if the client broke off the transfer.
func (req *Request) Data() ([]byte, error) {
	b := req.body()
	if req.shallow {
		return nil, errShallow
	}
	if b == nil {
		return nil, nil
	}
	if b.form.streamed && !b.kept {
		return nil, errBodyStreamed
	}
	return b.keep(req.reading().Limits.body())
}

// tooLarge is a 413 with a description.
func tooLarge(format string, args ...any) error {
	return &httperror.Error{Code: httperror.ContentTooLarge, Description: fmt.Sprintf(format, args...)}
}

// malformed is a 400 with a description, which is also the text of the cause.
func malformed(format string, args ...any) error {
	return &httperror.Error{Code: httperror.BadRequest, Description: fmt.Sprintf(format, args...)}
}

// readError turns a read error into an error that answers the request: 413 for a limit that other
// code has set, 408 for a time limit, 400 if the client broke off or its framing is wrong.
func readError(err error) error {
	var h http.Handler
	if errors.As(err, &h) {
		return err
	}
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return &httperror.Error{
			Code:        httperror.ContentTooLarge,
			Description: fmt.Sprintf("The body exceeds the limit of %d bytes.", over.Limit),
			Err:         err,
		}
	}
	var timed net.Error
	if errors.As(err, &timed) && timed.Timeout() {
		return &httperror.Error{Code: httperror.RequestTimeout, Description: "The body did not arrive in time.", Err: err}
	}
	return &httperror.Error{Code: httperror.BadRequest, Description: "The body did not arrive whole.", Err: err}
}
