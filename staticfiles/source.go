package staticfiles

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"time"
)

// source is the place from which the files of an export come. Names are slash-separated and
// servable; a file that is not regular is an error.
type source interface {
	open(name string) (*file, error)
	stat(name string) (fs.FileInfo, error)
	walk(visit func(name string) error) error
	// files returns the place as a file system, for its symbolic links.
	files() fs.FS
	io.Closer
}

// directory is a source below a directory of the operating system. An os.Root
// holds it, so no name and no symbolic link leads out of it.
type directory struct {
	logger *slog.Logger
	path   string
	every  time.Duration
	root   atomic.Pointer[os.Root]
	// looked is when path was last known to lead to root.
	looked atomic.Int64
}

func openDirectory(path string, every time.Duration, logger *slog.Logger) (*directory, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	d := &directory{path: path, every: every, logger: logger}
	d.root.Store(root)
	d.looked.Store(now())
	return d, nil
}

// current returns the directory to which path leads. Deployments replace whole
// directories, or the symbolic link to them; an open root would still show the
// old one.
func (d *directory) current() *os.Root {
	root := d.root.Load()
	looked, t := d.looked.Load(), now()
	if t-looked < int64(d.every) || !d.looked.CompareAndSwap(looked, t) {
		return root
	}
	there, err := os.Stat(d.path)
	if err != nil {
		return root
	}
	if here, err := root.Stat("."); err == nil && os.SameFile(here, there) {
		return root
	}
	fresh, err := os.OpenRoot(d.path)
	if err != nil {
		d.logger.Error("static files: the directory was replaced and cannot be opened", "dir", d.path, "err", err)
		return root
	}
	// The old one is closed by the garbage collector, once no request uses it.
	d.root.Store(fresh)
	return fresh
}

func (d *directory) open(name string) (*file, error) {
	f, err := d.current().OpenFile(filepath.FromSlash(name), os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	return newFile(f, nil)
}

func (d *directory) stat(name string) (fs.FileInfo, error) {
	return d.current().Stat(filepath.FromSlash(name))
}

func (d *directory) files() fs.FS { return d.current().FS() }

func (d *directory) walk(visit func(string) error) error {
	return walk(d.current().FS(), visit)
}

func (d *directory) Close() error { return d.root.Load().Close() }

// tree is a source in an fs.FS, below a directory of it.
type tree struct {
	fs.FS
}

func (t tree) open(name string) (*file, error) { return newFile(openRegular(t.FS, name)) }

func (t tree) files() fs.FS { return t.FS }

func (t tree) stat(name string) (fs.FileInfo, error) { return fs.Stat(t.FS, name) }

func (t tree) walk(visit func(string) error) error { return walk(t.FS, visit) }

func (t tree) Close() error { return nil }

// openRegular opens a regular file of fsys. It must be inside fsys, wherever a symbolic link of an
// [os.DirFS] points. It does not open a file if that would block: a named pipe waits for a writer.
// So it checks the kind of the file first, if the system can do that.
func openRegular(fsys fs.FS, name string) (fs.File, error) {
	name, err := resolve(fsys, name)
	if err != nil {
		return nil, err
	}
	var info fs.FileInfo
	switch f := fsys.(type) {
	case fs.StatFS:
		info, err = f.Stat(name)
	case fs.ReadLinkFS:
		info, err = f.Lstat(name)
	}
	if err != nil {
		return nil, err
	}
	if info != nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	return fsys.Open(name)
}

func walk(fsys fs.FS, visit func(string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return visit(name)
	})
}

// archive is a source in a zip file. It is opened again if the file was replaced.
type archive struct {
	logger *slog.Logger
	path   string
	dir    string
	every  time.Duration
	now    atomic.Pointer[openArchive]
	// looked is when path was last known to lead to the open file.
	looked atomic.Int64
}

type openArchive struct {
	tree
	id identity
	f  *os.File
}

func newArchive(path, dir string, every time.Duration, logger *slog.Logger) (*archive, error) {
	a := &archive{path: path, dir: dir, every: every, logger: logger}
	o, err := a.reopen()
	if err != nil {
		return nil, err
	}
	a.now.Store(o)
	a.looked.Store(now())
	return a, nil
}

func (a *archive) reopen() (*openArchive, error) {
	f, err := os.Open(a.path)
	if err != nil {
		return nil, err
	}
	o := &openArchive{f: f}
	err = func() error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		o.id = identityOf(info)
		z, err := zip.NewReader(f, info.Size())
		if err != nil {
			return err
		}
		o.FS = z
		if a.dir != "" {
			o.FS, err = subdirectory(z, a.dir)
		}
		return err
	}()
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("zip file %q: %w", a.path, err)
	}
	return o, nil
}

func (a *archive) current() *openArchive {
	o := a.now.Load()
	looked, t := a.looked.Load(), now()
	if t-looked < int64(a.every) || !a.looked.CompareAndSwap(looked, t) {
		return o
	}
	info, err := os.Stat(a.path)
	if err != nil || identityOf(info) == o.id {
		return o
	}
	fresh, err := a.reopen()
	if err != nil {
		a.logger.Error("static files: the zip file was replaced and cannot be opened", "err", err)
		return o
	}
	// The old file is closed by the garbage collector, once no request reads it.
	a.now.Store(fresh)
	return fresh
}

func (a *archive) open(name string) (*file, error)          { return a.current().open(name) }
func (a *archive) files() fs.FS                             { return a.current().FS }
func (a *archive) stat(name string) (fs.FileInfo, error)    { return a.current().stat(name) }
func (a *archive) walk(visit func(name string) error) error { return a.current().walk(visit) }
func (a *archive) Close() error                             { return a.now.Load().f.Close() }

// subdirectory returns fs.Sub for an existing directory.
func subdirectory(fsys fs.FS, dir string) (fs.FS, error) {
	dir = path.Clean(filepath.ToSlash(dir))
	info, err := fs.Stat(fsys, dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: errors.New("not a directory")}
	}
	sub, err := fs.Sub(fsys, dir)
	if _, ok := sub.(fs.StatFS); ok || err != nil {
		return sub, err
	}
	if whole, ok := fsys.(fs.StatFS); ok {
		return subtree{sub, whole, dir}, nil
	}
	return sub, nil
}

// subtree is the result of fs.Sub, with the Stat of the whole file system.
type subtree struct {
	fs.FS
	whole fs.StatFS
	dir   string
}

func (s subtree) ReadLink(name string) (string, error)   { return fs.ReadLink(s.FS, name) }
func (s subtree) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(s.FS, name) }

func (s subtree) Stat(name string) (fs.FileInfo, error) { return s.whole.Stat(path.Join(s.dir, name)) }

var started = time.Now()

// now returns a monotonic time in nanoseconds.
func now() int64 { return int64(time.Since(started)) }
