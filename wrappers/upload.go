package wrappers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/security"
)

// UploadedFile is a file of a multipart form (Werkzeug's FileStorage). It lives
// until the request is answered: save files that must stay.
type UploadedFile struct {
	// Field is the name of the form's field.
	Field string
	// Name is the client's name, unchanged: it may be empty, a path of another
	// system, or hostile. Use [UploadedFile.SafeName] for the name of a file on
	// disk.
	Name string
	// Header holds the header fields of the part.
	Header textproto.MIMEHeader
	// Size is the number of bytes received.
	Size int64

	// Where the content is: in memory, unless one of the others is set.
	memory []byte
	path   string                // a temporary file
	stored *multipart.FileHeader // in the form that a handler of net/http parsed
	sink   io.Writer             // a Sink took it

	opened *openFiles // what the request closes at the end
}

// openFiles are the open files, perhaps of several goroutines.
type openFiles struct {
	mu   sync.Mutex
	list []io.Closer
}

func (o *openFiles) add(c io.Closer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, c)
}

func (o *openFiles) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.list {
		c.Close()
	}
	o.list = nil
}

// Files are the uploaded files of a form, in their order.
type Files struct {
	datastructures.MultiDict[*UploadedFile]
}

// Require returns the first file of the field. If there is none, or the user
// has chosen none, it returns an error that answers 400 and names the field.
func (f *Files) Require(field string) (*UploadedFile, error) {
	for _, file := range f.List(field) {
		if file.Chosen() {
			return file, nil
		}
	}
	return nil, &httperror.Error{
		Code:        httperror.BadRequest,
		Description: "The file of the field " + strconv.Quote(field) + " is missing.",
		Err:         &datastructures.FieldError{Key: field},
	}
}

// Chosen reports whether there is a file at all: if the user has chosen none,
// browsers send an empty file without a name.
func (f *UploadedFile) Chosen() bool { return f.Name != "" || f.Size > 0 }

// SafeName returns a name, made from the client's name, that any system can store: without a path,
// control characters, or the name of a Windows device. It keeps the script in which the name is
// written, like [security.UnicodeFilename]. [security.SecureFilename] of Name is Werkzeug's
// function, in ASCII. It may be empty, and two files may have the same name.
func (f *UploadedFile) SafeName() string { return security.UnicodeFilename(f.Name) }

// MediaType returns the media type of the file in lower case and without its
// parameters (Werkzeug's mimetype), "" if it is not declared. It comes from the client, and the file
// may be of another type. [UploadedFile].Header has the original field with its parameters, which
// [datastructures.ParseOptions] reads.
func (f *UploadedFile) MediaType() string { return mediaType(f.Header.Get("Content-Type")) }

// Writer returns the writer of a [Settings].Sink for the file, such as a hash or an
// upload to somewhere else; nil if no sink took the file.
func (f *UploadedFile) Writer() io.Writer { return f.sink }

// Open returns the content from its start, any number of times. The caller may close it; the
// request closes it in any case.
//
// If a [Settings].Sink took the file, Open works if the sink's writer has an Open method
// of the same type, and otherwise returns an error.
func (f *UploadedFile) Open() (multipart.File, error) {
	file, err := f.open()
	if err == nil && f.opened != nil {
		f.opened.add(file)
	}
	return file, err
}

func (f *UploadedFile) open() (multipart.File, error) {
	var file multipart.File
	var err error
	switch {
	case f.sink != nil:
		if w, ok := f.sink.(interface {
			Open() (multipart.File, error)
		}); ok {
			return w.Open()
		}
		err = errTaken
	case f.stored != nil:
		file, err = f.stored.Open()
	case f.path != "":
		file, err = os.Open(f.path)
	default:
		file = memoryFile{bytes.NewReader(f.memory)}
	}
	if err != nil {
		return nil, fmt.Errorf("open the file of field %q: %w", f.Field, err)
	}
	return file, nil
}

var errTaken = errors.New("a sink took it")

type memoryFile struct{ *bytes.Reader }

func (memoryFile) Close() error { return nil }

// Bytes returns the whole content.
func (f *UploadedFile) Bytes() ([]byte, error) {
	src, err := f.open()
	if err != nil {
		return nil, err
	}
	defer src.Close()
	data := make([]byte, f.Size)
	if _, err := io.ReadFull(src, data); err != nil {
		return nil, fmt.Errorf("read the file of field %q: %w", f.Field, err)
	}
	return data, nil
}

// WriteTo writes the whole content to w.
func (f *UploadedFile) WriteTo(w io.Writer) (int64, error) {
	src, err := f.open()
	if err != nil {
		return 0, err
	}
	defer src.Close()
	return io.Copy(w, src)
}

// Save writes the content to a new file at path, with mode 0666 before the umask. It never
// overwrites: if something exists there, even a dangling link, the error is fs.ErrExist. If there
// is an error, the bytes that were already written are removed.
//
// path is used unchanged: build it from your own strings or
// [UploadedFile.SafeName], not from Name.
func (f *UploadedFile) Save(path string) error {
	dst, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("save the file of field %q: %w", f.Field, err)
	}
	return f.fill(dst, func() error { return nil })
}

// SaveIn saves the file in a directory under its [UploadedFile.SafeName], and
// returns the path. If the name exists, it adds a number before the extension
// ("a-2.txt"). If a file has no usable name, it is called "upload".
func (f *UploadedFile) SaveIn(dir string) (string, error) {
	name := f.SafeName()
	if name == "" {
		name = "upload"
	}
	for n := 1; ; n++ {
		path := filepath.Join(dir, numbered(name, n))
		if err := f.Save(path); !errors.Is(err, fs.ErrExist) || n == manyNames {
			return path, err
		}
	}
}

// numbered returns the n-th form of a file's name, within the maximum length.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	ext := filepath.Ext(name)
	if len(ext) > 32 {
		ext = "" // a dot in a long name
	}
	end := fmt.Sprintf("-%d%s", n, ext)
	return shortened(strings.TrimSuffix(name, ext), maxFilename-len(end)) + end
}

// shortened cuts s between characters, to at most limit bytes.
func shortened(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// manyNames is how many names are tried before a directory counts as full.
const manyNames = 10_000

// maxFilename is the maximum length of a name in a file system, in bytes.
const maxFilename = 255

// SaveOver writes the content to path and replaces an existing file in one step. A reader sees the
// old file or the new one, and if there is an error, the old file stays. If a file is replaced, the
// new one gets its mode; otherwise the mode is 0666 before the umask.
func (f *UploadedFile) SaveOver(path string) error {
	dst, err := createBeside(path)
	if err != nil {
		return fmt.Errorf("save the file of field %q: %w", f.Field, err)
	}
	return f.fill(dst, func() error {
		if old, err := os.Stat(path); err == nil {
			if err := os.Chmod(dst.Name(), old.Mode().Perm()); err != nil {
				return err
			}
		}
		return os.Rename(dst.Name(), path)
	})
}

// fill writes the content to dst, closes it and calls finish; if there is an
// error, it removes dst.
func (f *UploadedFile) fill(dst *os.File, finish func() error) error {
	_, err := f.WriteTo(dst)
	if closed := dst.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = finish()
	}
	if err != nil {
		os.Remove(dst.Name())
		return fmt.Errorf("save the file of field %q: %w", f.Field, err)
	}
	return nil
}

// createBeside creates a file with a new name in path's directory.
func createBeside(path string) (*os.File, error) {
	base := shortened(filepath.Base(path), maxFilename-32)
	for n := 0; ; n++ {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d-%d", base, os.Getpid(), n))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) || n == manyNames {
			return f, err
		}
	}
}
