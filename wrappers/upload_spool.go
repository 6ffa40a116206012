package wrappers

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
)

// spool keeps a file in memory as long as the request's share of memory lasts,
// and then in a temporary file.
type spool struct {
	file  *UploadedFile
	share *int64            // the rest of Settings.FileMemory
	disk  *os.File          // the temporary file, once there is one
	keep  func(path string) // records it, to be removed
}

func (s *spool) Write(p []byte) (int, error) {
	if s.disk != nil {
		return s.disk.Write(p)
	}
	if int64(len(p)) <= *s.share {
		*s.share -= int64(len(p))
		s.file.memory = append(s.file.memory, p...)
		return len(p), nil
	}
	disk, err := os.CreateTemp("", "upload-")
	if err != nil {
		return 0, err
	}
	s.keep(disk.Name())
	s.file.path, s.disk = disk.Name(), disk
	if _, err := disk.Write(s.file.memory); err != nil {
		return 0, err
	}
	*s.share += int64(len(s.file.memory))
	s.file.memory = nil
	return disk.Write(p)
}

func (s *spool) Close() error {
	if s.disk == nil {
		return nil
	}
	return s.disk.Close()
}

// temporaryFiles are the paths of a form's temporary files.
type temporaryFiles struct{ paths []string }

// remove removes the files. Those that are gone already count as removed.
func (t *temporaryFiles) remove() error {
	var failed error
	for _, path := range t.paths {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	t.paths = nil
	return failed
}

// keepTemporary records a temporary file. It is removed with the request, or at
// the latest when the request is garbage-collected.
func (c *content) keepTemporary(path string) {
	if c.form.temps == nil {
		c.form.temps = new(temporaryFiles)
		runtime.AddCleanup(c, func(temps *temporaryFiles) { _ = temps.remove() }, c.form.temps)
	}
	c.form.temps.paths = append(c.form.temps.paths, path)
}

// release closes the files that were opened and removes the temporary ones.
func (c *content) release() error {
	c.form.opened.close()
	if c.form.temps == nil {
		return nil
	}
	return c.form.temps.remove()
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
