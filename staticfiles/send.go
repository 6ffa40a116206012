package staticfiles

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

// SendOptions say how [Send] and similar functions send a file. With the zero
// value, browsers show the file and clients revalidate it.
type SendOptions struct {
	// Attachment makes the client save the file instead of showing it.
	Attachment bool
	// DownloadName is the name under which to save it; "" means its own. Names
	// that are not ASCII are sent as RFC 8187 requires, and also in ASCII for
	// clients that do not support that.
	DownloadName string
	// ContentType is the media type; "" means that of DownloadName or the
	// file's name, according to [ContentType].
	ContentType string

	// MaxAge is for how long clients and caches may use the file without a new
	// request, in whole seconds: "public, max-age=…". 0 means "no-cache", and a
	// negative duration means a year, the longest that caches accept.
	MaxAge time.Duration
	// CacheControl, if it is not "", is the value of that field instead.
	CacheControl string

	// ETag is the entity tag, with or without its quotes; "" means a tag made from the file's size,
	// date and inode, or from its content if it has no date and is not larger than 1 MiB. NoETag
	// means none.
	ETag   string
	NoETag bool
	// LastModified is the date of the last change; the zero time means the
	// file's. A date in the future is not sent.
	LastModified time.Time

	// Dotfiles lets SendFrom and SendFromFS send files whose names have a
	// segment that starts with a dot.
	Dotfiles bool

	// Offload leaves the sending to the server in front: [XSendfile] or
	// [XAccelRedirect]. It returns the header field for that, given an absolute path. The
	// response then has no body of its own. If the client already has the file, the 304 is sent
	// by Zeug; the server in front serves ranges. It works for files on disk, not for those of an
	// [fs.FS]; nil means that there is no such server.
	Offload func(path string) (field, value string, err error)
}

// Send returns a Response of the file at path, relative to the working directory; Werkzeug calls
// it send_file. The path must come from the program itself: if it comes from a client, see
// [SendFrom]. The Response evaluates conditions, serves ranges, and finally closes the file.
func Send(path string, opts SendOptions) (*wrappers.Response, error) {
	f, err := openPath(path)
	if err != nil {
		return nil, fmt.Errorf("send a file: %w", err)
	}
	return opts.sendDisk(f, path)
}

// SendReader is like [Send], but for an open file or any other content that can seek; it sends all
// of it. An [fs.File] must be a regular file, and has a name and a date. Other content has neither:
// DownloadName or ContentType must be given. If r is an [io.Closer], the Response finally closes it.
// If SendReader returns an error, r is closed too.
func SendReader(r io.ReadSeeker, opts SendOptions) (*wrappers.Response, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		closeReader(r)
		return nil, fmt.Errorf("send a reader: %w", err)
	}
	if f, ok := r.(fs.File); ok {
		opened, err := newFile(f, nil)
		if err != nil {
			return nil, fmt.Errorf("send a file: %w", err)
		}
		return opts.send(opened, opened.info.Name())
	}
	resp, err := opts.respond(r, -1, "")
	if err != nil {
		closeReader(r)
		return nil, err
	}
	return opts.validate(resp, "", time.Time{})
}

func closeReader(r io.Reader) {
	if c, ok := r.(io.Closer); ok {
		c.Close()
	}
}

// SendFrom is like [Send], but for a file that a client named, below a directory of the program;
// Werkzeug calls it send_from_directory. The error is [httperror.NotFound] if the name leads out of
// dir (by dots or a symbolic link), if the file does not exist or is a directory, or if no file can
// have the name. If dir is missing, or the file cannot be read, the error is another one.
func SendFrom(dir, name string, opts SendOptions) (*wrappers.Response, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("send a file of a directory: %w", err)
	}
	defer root.Close()
	f, err := opts.named(root.FS(), name, func() (fs.File, error) {
		name := filepath.FromSlash(name)
		f, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
		if errors.Is(err, fs.ErrPermission) {
			// A directory is not a file, even if it can be opened.
			if info, failed := root.Stat(name); failed == nil && !info.Mode().IsRegular() {
				err = &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
			}
		}
		return f, err
	})
	if err != nil {
		return nil, err
	}
	return opts.sendDisk(f, filepath.Join(dir, filepath.FromSlash(name)))
}

// SendFromFS is like [SendFrom], but for any file system.
func SendFromFS(fsys fs.FS, name string, opts SendOptions) (*wrappers.Response, error) {
	f, err := opts.named(fsys, name, func() (fs.File, error) { return openRegular(fsys, name) })
	if err != nil {
		return nil, err
	}
	return opts.send(f, name)
}

// named opens a file of fsys by a name that came from a client.
func (opts SendOptions) named(fsys fs.FS, name string, open func() (fs.File, error)) (*file, error) {
	if !servable(name, windows) || !opts.Dotfiles && (hasDotfile(name) || linksToDotfile(fsys, name)) {
		return nil, &httperror.Error{Code: httperror.NotFound, Err: fmt.Errorf("send %q: %w", name, fs.ErrInvalid)}
	}
	f, err := newFile(open())
	switch {
	case err == nil:
		return f, nil
	case exhausted(err), errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("send a file of a directory: %w", err)
	}
	return nil, &httperror.Error{Code: httperror.NotFound, Err: err}
}

func openPath(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	return newFile(f, nil)
}

// sendDisk does what send does, for a file that a server in front can read too.
func (opts SendOptions) sendDisk(f *file, path string) (*wrappers.Response, error) {
	if opts.Offload == nil {
		return opts.send(f, filepath.Base(path))
	}
	f.Close()
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("send a file: %w", err)
	}
	field, value, err := opts.Offload(absolute)
	if err != nil {
		return nil, fmt.Errorf("send a file: %w", err)
	}
	resp, err := opts.respond(http.NoBody, 0, filepath.Base(path))
	if err != nil {
		return nil, err
	}
	if err := resp.Set(field, value); err != nil {
		return nil, fmt.Errorf("send %q: %w", path, err)
	}
	return opts.validate(resp, f.id.tag(), f.date())
}

func (opts SendOptions) send(f *file, name string) (*wrappers.Response, error) {
	tag := f.id.tag()
	if tag == "" && opts.ETag == "" && !opts.NoETag && f.info.Size() <= largestHashed {
		body, err := f.content()
		if err != nil {
			return nil, fmt.Errorf("send %q: %w", name, err)
		}
		resp, err := opts.respond(bytes.NewReader(body), int64(len(body)), name)
		if err != nil {
			return nil, err
		}
		return opts.validate(resp, contentTag(sha256.Sum256(body)), f.date())
	}
	resp, err := opts.respond(f, f.info.Size(), name)
	if err != nil {
		f.Close()
		return nil, err
	}
	if !f.seeks() && f.info.Size() > maxSkip {
		resp.Header().Set("Accept-Ranges", "none")
	}
	return opts.validate(resp, tag, f.date())
}

// largestHashed is the size up to which a content is read just for its tag.
const largestHashed = 1 << 20

// respond returns the Response without its validators. If size is below 0, it
// is found out.
func (opts SendOptions) respond(r io.Reader, size int64, name string) (*wrappers.Response, error) {
	if opts.DownloadName != "" {
		name = opts.DownloadName
	}
	contentType := opts.ContentType
	if contentType == "" {
		if name == "" {
			return nil, errors.New("send a reader: its type is not known: set DownloadName or ContentType")
		}
		contentType = typeOf(name)
	}
	disposition := "inline"
	if opts.Attachment {
		disposition = "attachment"
		if name == "" {
			return nil, errors.New("send a reader as attachment: it has no name: set DownloadName")
		}
	}
	resp := wrappers.Reader(contentType, r)
	if size >= 0 {
		resp.SetSize(size)
	}
	if opts.ContentType != "" {
		if err := resp.Set("Content-Type", resp.ContentType()); err != nil {
			return nil, fmt.Errorf("send a file: %w", err)
		}
	}
	h := resp.Header()
	if name != "" {
		if err := resp.SetContentDisposition(disposition, name); err != nil {
			return nil, fmt.Errorf("send %q: %w", name, err)
		}
	}
	if coding := contentEncoding(name, contentType); coding != "" && !opts.Attachment {
		h["Content-Encoding"] = []string{coding}
	}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	control := opts.CacheControl
	switch {
	case control != "":
	case opts.MaxAge < 0:
		control = "public, max-age=31536000"
	case opts.MaxAge >= time.Second:
		control = "public, max-age=" + strconv.FormatInt(int64(opts.MaxAge/time.Second), 10)
	default:
		control = "no-cache"
	}
	return resp, resp.Set("Cache-Control", control)
}

// validate sets the validators; tag and date are those of the file.
func (opts SendOptions) validate(resp *wrappers.Response, tag string, date time.Time) (*wrappers.Response, error) {
	if opts.ETag != "" {
		given, ok := datastructures.ParseETag(opts.ETag)
		if !ok || strings.ContainsFunc(given.Value, notInETag) {
			resp.Close()
			return nil, fmt.Errorf("send a file: %q is not an entity tag: quotes, spaces and control characters are not allowed in one", opts.ETag)
		}
		tag = given.String()
	}
	if tag != "" && !opts.NoETag {
		if err := resp.Set("ETag", tag); err != nil {
			resp.Close()
			return nil, fmt.Errorf("send a file: %w", err)
		}
	}
	if !opts.LastModified.IsZero() {
		date = opts.LastModified
	}
	// A date in the future is not valid for a change (RFC 9110, section 8.8.2.1).
	if !date.IsZero() && !date.After(time.Now()) {
		resp.Header().Set("Last-Modified", date.UTC().Format(http.TimeFormat))
	}
	return resp.MakeConditional(), nil
}

// notInETag reports whether a tag must not have the character (RFC 9110,
// section 8.8.3).
func notInETag(c rune) bool { return c <= ' ' || c == '"' || c == 0x7f }

// date is the date of the last change; the zero time if there is none.
func (f *file) date() time.Time {
	if !f.id.dated() {
		return time.Time{}
	}
	return f.info.ModTime()
}
