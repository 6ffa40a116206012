package wsgi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/zeugkit/zeug/httperror"
)

// body is a request's body, whose beginning was read before a worker was taken,
// so that a slow client does not hold a worker.
type body struct {
	start    []byte
	rest     io.Reader
	length   int64 // -1 if it is not known
	complete bool  // start is all of it
	ended    bool  // rest is at its end
	block    *[blockSize]byte
	file     *os.File
}

// takeBody reads the beginning. Its error has the status of the response.
func (c *Config) takeBody(r *http.Request) (*body, error) {
	b := &body{rest: r.Body, length: r.ContentLength}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		b.complete = true
		b.length = -1
		if r.Header["Content-Length"] != nil || r.Method == "POST" || r.Method == "PUT" || r.Method == "PATCH" {
			b.length = 0
		}
		return b, nil
	}
	if b.length >= 0 && strings.EqualFold(r.Header.Get("Expect"), "100-continue") {
		return b, nil // the client waits with the body until the application reads
	}
	b.block = blocks.Get().(*[blockSize]byte)
	n, err := io.ReadFull(r.Body, b.block[:c.BufferRequest])
	b.start = b.block[:n]
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		if b.length >= 0 && int64(n) < b.length {
			return b, httperror.Wrap(httperror.BadRequest, fmt.Errorf("wsgi: read the body: %w", err))
		}
		b.complete, b.length = true, int64(n)
	case err != nil:
		return b, bodyError(err)
	case int64(n) == b.length:
		b.complete = true
	}
	return b, c.spool(b)
}

// spool collects a body of unknown length in a file.
func (c *Config) spool(b *body) error {
	if b.complete || b.length >= 0 || c.SpoolChunked <= 0 {
		return nil
	}
	f, err := os.CreateTemp("", "body")
	if err != nil {
		return fmt.Errorf("wsgi: collect the body: %w", err)
	}
	b.file = f
	os.Remove(f.Name()) // the file exists as long as it is open
	n, err := io.Copy(f, io.LimitReader(b.rest, c.SpoolChunked-int64(len(b.start))+1))
	if err != nil {
		return bodyError(err)
	}
	if b.length = int64(len(b.start)) + n; b.length > c.SpoolChunked {
		return httperror.Wrap(httperror.ContentTooLarge, errors.New("wsgi: the body is larger than Config.SpoolChunked"))
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("wsgi: collect the body: %w", err)
	}
	b.rest = f
	return nil
}

// bodyError returns an error with the status for a body that cannot be read.
func bodyError(err error) error {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return httperror.Wrap(httperror.ContentTooLarge, fmt.Errorf("wsgi: read the body: %w", err))
	}
	return httperror.Wrap(httperror.BadRequest, fmt.Errorf("wsgi: read the body: %w", err))
}

// release frees the memory of the body when nothing reads it any more.
func (b *body) release() {
	if b.block != nil {
		blocks.Put(b.block)
		b.block, b.start = nil, nil
	}
	if b.file != nil {
		b.file.Close()
	}
}
