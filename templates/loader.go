package templates

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"strings"
)

// loader finds templates for pongo2 within one file system.
type loader struct {
	files    fs.FS
	computes bool // whether a template read so far computes the name of another
}

// maxDepth is how deep the goroutine's stack may be, in frames, when a template
// is read. pongo2 reads what a template includes within the reading of that
// template, so one that includes itself would end the whole process. Each level
// takes about ten frames.
const maxDepth = 3000

var (
	errOutside = errors.New("the name leads outside the templates")
	errLoop    = errors.New("the template includes or extends itself")
)

// computed finds an include of a name that is not a literal.
var computed = regexp.MustCompile(`\{%-?\s*include\s+[^"'\s]`)

// Abs returns the name, relative to the root, that a template called base means
// by name.
func (l *loader) Abs(base, name string) string {
	if strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../") {
		return path.Join(path.Dir(base), name)
	}
	return name
}

// Get reads a template.
func (l *loader) Get(name string) (io.Reader, error) {
	text, err := l.read(name)
	if err != nil {
		return nil, err
	}
	if computed.Match(text) {
		l.computes = true
	}
	return bytes.NewReader(text), nil
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
