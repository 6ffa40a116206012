package staticfiles

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// file is an open regular file with the facts that were known when it was opened.
type file struct {
	fs.File
	info fs.FileInfo
	id   identity
	// disk is the File if it belongs to the operating system, as sendfile requires.
	disk *os.File
}

var (
	errNotRegular = errors.New("not a regular file")
	// errChanging says that a file changed while it was read.
	errChanging = errors.New("the file is being written")
	// errUnreadable says that a file exists and cannot be read.
	errUnreadable = errors.New("the file cannot be read")
)

func newFile(f fs.File, err error) (*file, error) {
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: info.Name(), Err: errNotRegular}
	}
	if err == nil && info.Size() < 0 {
		err = fmt.Errorf("%w: its file system says that %q has %d bytes", errUnreadable, info.Name(), info.Size())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	disk, _ := f.(*os.File)
	return &file{File: f, info: info, id: identityOf(info), disk: disk}, nil
}

// unchanged reports whether the open file has not changed since it was opened. Another file with
// the same name does not matter.
func (f *file) unchanged() bool {
	if !f.id.dated() && f.disk == nil {
		return true
	}
	info, err := f.Stat()
	return err == nil && info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime())
}

// content reads all of the file, and closes it.
func (f *file) content() ([]byte, error) {
	defer f.Close()
	b := make([]byte, f.info.Size())
	if err := f.fill(b); err != nil {
		return nil, err
	}
	return b, nil
}

// fill fills b, and makes sure that the bytes belong to the content that the
// file had when it was opened.
func (f *file) fill(b []byte) error {
	if _, err := io.ReadFull(f.File, b); err != nil {
		return f.why(err)
	}
	if f.disk == nil {
		// A zip file reports only at its end whether the sum is right.
		var next [1]byte
		if _, err := f.File.Read(next[:]); err != nil && err != io.EOF {
			return f.why(err)
		}
	}
	if !f.unchanged() {
		return errChanging
	}
	return nil
}

// Seek moves to an offset; if the file cannot do that, it returns an error.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	if seeker, ok := f.File.(io.Seeker); ok {
		return seeker.Seek(offset, whence)
	}
	return 0, errors.ErrUnsupported
}

// seeks reports whether the file can move to an offset without reading the bytes before it.
func (f *file) seeks() bool {
	_, ok := f.File.(io.Seeker)
	return ok
}

// maxSkip is how many bytes of a file that cannot seek are read to reach a range. Otherwise all of
// a zip file's member would have to be unpacked for some bytes at its end.
const maxSkip = 4 << 20

// skip moves to an offset from the beginning, where the file is.
func (f *file) skip(start int64) error {
	if start == 0 {
		return nil
	}
	if _, err := f.Seek(start, io.SeekStart); err == nil {
		return nil
	}
	// A compressed file of an archive is read up to the requested part.
	_, err := copyBuffered(io.Discard, io.LimitReader(f.File, start))
	return err
}

// readAt fills b with the bytes from start on, and makes sure that they belong to the content that
// the file had when it was opened. Goroutines can read a file of the operating system at once.
func (f *file) readAt(b []byte, start int64) error {
	if f.disk == nil {
		if err := f.skip(start); err != nil {
			return f.why(err)
		}
		return f.fill(b)
	}
	if _, err := f.disk.ReadAt(b, start); err != nil {
		return f.why(err)
	}
	if !f.unchanged() {
		return errChanging
	}
	return nil
}

// send copies length bytes from start.
func (f *file) send(w io.Writer, start, length int64) error {
	if err := f.skip(start); err != nil {
		return err
	}
	_, err := f.CopyN(w, length)
	return err
}

// tail is how many of the bytes are sent last, after another check of the file.
const tail = 16 << 10

// CopyN copies the next n bytes, all but the last ones with sendfile if w supports it. The last
// bytes are read first, and sent only if the file has not changed since it was opened. So a client
// never gets a mix of two contents that looks complete.
func (f *file) CopyN(w io.Writer, n int64) (sent int64, err error) {
	if ahead := n - tail; ahead > 0 {
		if f.disk != nil {
			sent, err = io.Copy(w, &io.LimitedReader{R: f.disk, N: ahead})
		} else {
			sent, err = copyBuffered(w, io.LimitReader(f.File, ahead))
		}
		if err == nil && sent < ahead {
			return sent, f.why(io.ErrUnexpectedEOF)
		}
		if err != nil {
			return sent, err
		}
	}
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	last := buf[:n-sent]
	if err := f.fill(last); err != nil {
		return sent, err
	}
	m, err := w.Write(last)
	return sent + int64(m), err
}

// why adds a reason to an error in the middle of a file: errChanging, if that is the cause.
func (f *file) why(err error) error {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if !f.unchanged() {
		return fmt.Errorf("%w: %w", errChanging, err)
	}
	return fmt.Errorf("%w: %w", errUnreadable, err)
}

const copyBuffer = 32 << 10

// copyBuffers are for bytes that cannot be sent in a faster way.
var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

func copyBuffered(w io.Writer, r io.Reader) (int64, error) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buf[:])
}
