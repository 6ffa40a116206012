package staticfiles

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// errOutside says that a symbolic link leads out of an export.
var errOutside = errors.New("a symbolic link leads outside")

// maxLinks is how many symbolic links a name may lead through.
const maxLinks = 40

// resolve returns the name to which name leads after its symbolic links are followed. If the file
// system does not report links, it is the name itself.
//
//	link -> sub          link/a.txt is sub/a.txt
//	sub/up -> ../b.txt   sub/up is b.txt
//	out -> ../x, /x      errOutside
func resolve(fsys fs.FS, name string) (string, error) {
	links, ok := fsys.(fs.ReadLinkFS)
	if !ok {
		return name, nil
	}
	done, followed := ".", 0
	for rest := name; rest != ""; {
		var segment string
		segment, rest, _ = strings.Cut(rest, "/")
		switch {
		case segment == "" || segment == ".":
			continue
		case segment == ".." && done == ".":
			return "", &fs.PathError{Op: "open", Path: name, Err: errOutside}
		case segment == "..":
			done = path.Dir(done)
			continue
		}
		at := path.Join(done, segment)
		info, err := links.Lstat(at)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = at
			continue
		}
		target, err := links.ReadLink(at)
		if err != nil {
			return "", err
		}
		if windows {
			target = strings.ReplaceAll(target, `\`, "/")
		}
		if followed++; followed > maxLinks || path.IsAbs(target) || windows && strings.Contains(target, ":") {
			return "", &fs.PathError{Op: "open", Path: name, Err: errOutside}
		}
		rest = strings.TrimSuffix(target+"/"+rest, "/")
	}
	return done, nil
}

// leadsToDotfile reports whether a link leads to a name with a segment that
// starts with a dot. Two dots do not count: volumes of Kubernetes lead to
// "..data/name".
func leadsToDotfile(name string) bool {
	for segment := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(segment, ".") && !strings.HasPrefix(segment, "..") {
			return true
		}
	}
	return false
}

// linksToDotfile reports whether name is a link to such a name.
func linksToDotfile(fsys fs.FS, name string) bool {
	target, err := resolve(fsys, name)
	return err == nil && target != name && leadsToDotfile(target)
}

// openShown opens a file that the export shows, unless it is a link to a file that
// the export does not show.
func (e *export) openShown(name string) (*file, error) {
	if err := e.follow(name); err != nil {
		return nil, err
	}
	return e.open(name)
}

// statShown does what openShown does, for the metadata of the file.
func (e *export) statShown(name string) (fs.FileInfo, error) {
	if err := e.follow(name); err != nil {
		return nil, err
	}
	return e.stat(name)
}

// follow returns an error if name is a link to a file that the export does not show.
func (e *export) follow(name string) error {
	target, err := resolve(e.files(), name)
	if err != nil {
		return err
	}
	if target != name && (!e.Dotfiles && leadsToDotfile(target) || e.hides(target)) {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return nil
}
