package wsgi

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
)

// file answers with a file whose descriptor the worker has handed over: one that
// the application has opened, or a large answer in memory. The worker goes on.
func (x *exchange) file(n int) error {
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
	if err := x.release(); err != nil {
		return err
	}
	from, closeIt := section(f, position, size)
	defer closeIt()
	sent, err := io.Copy(x.w, from)
	if ignored(err) == nil && sent < size {
		return fmt.Errorf("wsgi: the file is shorter than it was: %d bytes of %d", sent, size)
	}
	return nil // a client that has left is no failure
}

// section reads a part of a file, from an offset of its own: that of f is also the
// application's. A file that is opened anew goes by sendfile.
func section(f *os.File, position, size int64) (io.Reader, func() error) {
	if runtime.GOOS == "linux" {
		own, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
		if err == nil {
			if _, err := own.Seek(position, io.SeekStart); err == nil {
				return io.LimitReader(own, size), own.Close
			}
			own.Close()
		}
	}
	return io.NewSectionReader(f, position, size), func() error { return nil }
}

var _ http.Handler = (*Application)(nil)
