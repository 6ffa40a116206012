package templates

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"runtime"
	"strings"
)

// loader finds templates for pongo2 within one file system.
type loader struct {
	files fs.FS
	names *parsed // collects the names of the templates that are read
}

// maxDepth is how deep the goroutine's stack may be, in frames, when a template
// is read. pongo2 reads included templates while it reads the including one, so
// a template that includes itself would end the whole process. Each level takes
// about ten frames.
const maxDepth = 3000

var (
	errOutside = errors.New("the name leads outside the templates")
	errLoop    = errors.New("the template includes or extends itself")
)

// Abs returns the name, relative to the root, for a name in the template called
// base.
func (l *loader) Abs(base, name string) string {
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		return path.Join(path.Dir(base), name)
	}
	return name
}

// Get reads a template, rewritten for pongo2.
func (l *loader) Get(name string) (io.Reader, error) {
	text, err := l.read(name)
	if err != nil {
		return nil, err
	}
	r := rewrite(name, string(text))
	for name, bare := range r.calls {
		l.names.calls[name] = l.names.calls[name] || bare
	}
	maps.Copy(l.names.macros, r.macros)
	return strings.NewReader(r.text), nil
}

func (l *loader) read(name string) ([]byte, error) {
	if runtime.Callers(maxDepth, make([]uintptr, 1)) > 0 {
		return nil, errLoop
	}
	if !fs.ValidPath(name) {
		return nil, fmt.Errorf("open %q: %w", name, errOutside)
	}
	return fs.ReadFile(l.files, name)
}
