package wsgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/zeugkit/zeug/internal/sendfile"
)

// file sends a file whose descriptor the worker has passed: a file that the application has opened,
// or, for kind n, a large response in memory. The worker can continue, unless the memory exceeds
// the budget of responses that wait for clients.
func (x *exchange) file(kind byte, n int) error {
	b, err := x.slot.peek(16)
	if err != nil || n != 16 {
		return x.broken(fmt.Errorf("a file of %d bytes: %w", n, err))
	}
	position, size := int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
	x.slot.discard(16)
	f, err := x.slot.file()
	if err != nil {
		return x.broken(err)
	}
	defer f.Close()
	if buffers := &x.application.pool.buffers; kind == 'n' && buffers.take(size) {
		defer buffers.give(size)
	} else if kind == 'n' {
		err := x.sendFile(f, position, size)
		return errors.Join(err, x.release())
	}
	if err := x.release(); err != nil {
		return err
	}
	return x.sendFile(f, position, size)
}

// sendFile sends size bytes of a file.
func (x *exchange) sendFile(f file, position, size int64) error {
	to, ok := x.w.(io.ReaderFrom)
	var err error
	for sent := int64(0); sent < size; {
		part := &section{file: f, at: position + sent, left: min(size-sent, sendfile.Piece)}
		var k int64
		if ok {
			k, err = to.ReadFrom(part)
		} else {
			k, err = part.WriteTo(x.w)
		}
		sent += k
		switch {
		case errors.Is(err, http.ErrContentLength) || errors.Is(err, http.ErrBodyNotAllowed):
			return nil
		case part.err == io.EOF && sent < size:
			return fmt.Errorf("wsgi: the file is shorter than it was: %d bytes of %d", sent, size)
		case part.err != nil:
			return fmt.Errorf("wsgi: read the file: %w", part.err)
		case err != nil:
			return nil // a client that has left is not a failure
		case k == 0:
			return errors.New("wsgi: the answer takes nothing of a file") // a middleware's writer
		}
	}
	return nil
}

// section reads a part of a file without moving the file's position, which the application shares,
// and can pass the file itself to a connection.
type section struct {
	file     file
	at, left int64
	err      error // of the file
}

// Len is the number of bytes left.
func (s *section) Len() int { return int(s.left) }

func (s *section) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.file.ReadAt(p[:min(int64(len(p)), s.left)], s.at)
	s.at += int64(n)
	if s.left -= int64(n); n > 0 {
		return n, nil
	}
	s.err = err
	return 0, err
}

// WriteTo lets w take what it can from the file itself, if w is a connection of the system, and
// writes the rest.
func (s *section) WriteTo(w io.Writer) (sent int64, err error) {
	send := sendfile.Send
	if sendfile.Near(w) {
		send = sendfile.Copy
	}
	sent = send(w, s.file.descriptor(), s.at, s.left)
	s.at += sent
	if s.left -= sent; s.left == 0 {
		return sent, nil
	}
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	for s.left > 0 {
		n, err := s.Read(block[:])
		if err != nil {
			return sent, nil // which is kept
		}
		n, err = w.Write(block[:n])
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

var _ http.Handler = (*Application)(nil)
