package wrappers

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"mime/multipart"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// spool keeps a file in memory as long as the request's share of memory lasts,
// and then in a temporary file.
type spool struct {
	file   *UploadedFile
	share  *int64 // the rest of Settings.FileMemory
	memory []byte
	disk   *os.File                    // the temporary file, once there is one
	keep   func(*multipart.FileHeader) // records it, to be removed
}

func (s *spool) Write(p []byte) (int, error) {
	if s.disk != nil {
		return s.disk.Write(p)
	}
	if int64(len(p)) <= *s.share {
		*s.share -= int64(len(p))
		s.memory = append(s.memory, p...)
		return len(p), nil
	}
	header, disk, err := temporary()
	if err != nil {
		return 0, err
	}
	s.keep(header)
	s.file.stored, s.disk = header, disk
	if _, err := disk.Write(s.memory); err != nil {
		return 0, err
	}
	*s.share += int64(len(s.memory))
	s.memory = nil
	return disk.Write(p)
}

func (s *spool) Close() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.Close()
}

// temporary creates a temporary file, and a header with which handlers of
// net/http open it and [multipart.Form.RemoveAll] removes it. Only
// mime/multipart itself can make such a header, so it gets a form of one byte
// to write, and we use the file that it writes.
func temporary() (*multipart.FileHeader, *os.File, error) {
	headers, err := fileHeaders(0, []byte{0})
	if err != nil {
		return nil, nil, err
	}
	shown, err := headers[0].Open()
	if err != nil {
		return nil, nil, err
	}
	defer shown.Close()
	named, ok := shown.(*os.File)
	if !ok {
		return nil, nil, fmt.Errorf("mime/multipart keeps a file of one byte as %T, not on disk", shown)
	}
	file, err := os.OpenFile(named.Name(), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		os.Remove(named.Name())
		return nil, nil, err
	}
	return headers[0], file, nil
}

// ownBoundary is a boundary that no content contains, since nobody knows it.
var ownBoundary = sync.OnceValue(rand.Text)

// fileHeaders returns headers of files with these contents. It lets
// mime/multipart read them as a form, and keeps up to memory bytes in memory.
func fileHeaders(memory int64, contents ...[]byte) ([]*multipart.FileHeader, error) {
	boundary := ownBoundary()
	start := []byte("--" + boundary + "\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n")
	headers := make([]*multipart.FileHeader, 0, len(contents))
	for some := range slices.Chunk(contents, 500) { // ReadForm accepts at most 1,000
		readers := make([]io.Reader, 0, 3*len(some)+1)
		for _, content := range some {
			readers = append(readers, bytes.NewReader(start), bytes.NewReader(content), strings.NewReader("\r\n"))
		}
		readers = append(readers, strings.NewReader("--"+boundary+"--\r\n"))
		form, err := multipart.NewReader(io.MultiReader(readers...), boundary).ReadForm(memory)
		if err != nil {
			return nil, err
		}
		headers = append(headers, form.File["f"]...)
	}
	return headers, nil
}

// keepTemporary records a temporary file. It is removed with the request, or at
// the latest when the request is garbage-collected.
func (c *content) keepTemporary(header *multipart.FileHeader) {
	temps := c.form.temps
	if temps == nil {
		temps = &multipart.Form{File: map[string][]*multipart.FileHeader{}}
		c.form.temps = temps
		runtime.AddCleanup(c, func(temps *multipart.Form) { temps.RemoveAll() }, temps)
	}
	temps.File[""] = append(temps.File[""], header)
}

// release closes the files that were opened and removes the temporary ones.
func (c *content) release() error {
	c.form.opened.close()
	if c.form.temps == nil {
		return nil
	}
	return c.form.temps.RemoveAll()
}

// closeSink ends a sink's writer.
func closeSink(w io.Writer, failed error) error {
	if failed != nil {
		if c, ok := w.(interface{ CloseWithError(error) error }); ok {
			return c.CloseWithError(failed)
		}
	}
	if c, ok := w.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
