package capture

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/zeugkit/zeug/middleware/debugger/internal/dump"
	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

// margin is how many source lines are shown on each side of a frame's line.
const margin = 5

// maxSource is the largest source file that is read, in bytes.
const maxSource = 4 << 20

// SourceLine is one line of a frame's source.
type SourceLine struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
	// Current marks the line that was running.
	Current bool `json:"current,omitempty"`

	tokens []token
}

// sources holds everything from which one report is made: source files, each read once, and the
// messages of the application's values.
type sources struct {
	program      program
	files        map[string][]SourceLine
	hide         []string
	*dump.Reader // of the values in a report; nil where only source files are read
}

// program holds the facts that help to find and classify a source file.
type program struct {
	goroot string // as place.GoRoot returns it
	module string // the path of the main module
	root   string // its folder
}

// Locate finds a source file of the running program, if -trimpath has left only its import path.
func Locate(file string) string { return self().locate(file) }

// self is the running program.
func self() program { return program{place.GoRoot(), place.Build().Main.Path, place.ModuleRoot("")} }

// around returns the lines of a Go file around line, or nil if the file cannot be read, because the
// program was built elsewhere, or with -trimpath and started outside its module.
func (s *sources) around(file string, line int) []SourceLine {
	lines, known := s.files[file]
	if !known {
		lines = recent.lines(s.program.locate(file))
		if s.files == nil {
			s.files = map[string][]SourceLine{}
		}
		s.files[file] = lines
	}
	return excerpt(lines, line)
}

// excerpt returns a copy of the lines around the one with the given number,
// which is marked.
func excerpt(lines []SourceLine, number int) []SourceLine {
	if number < 1 || number > len(lines) {
		return nil
	}
	first := max(0, number-1-margin)
	last := min(len(lines), number+margin)
	part := slices.Clone(lines[first:last])
	for i, line := range part {
		// The kept parts of a report must not keep the whole file in memory.
		part[i].Text, part[i].tokens = strings.Clone(line.Text), slices.Clone(line.tokens)
		for j, t := range part[i].tokens {
			part[i].tokens[j].text = strings.Clone(t.text)
		}
	}
	part[number-1-first].Current = true
	return part
}

// recent are the source files of recent failures: colouring a file of Go's library takes some
// milliseconds, and most tracebacks contain the same few files.
var recent sourceCache

// maxCached is how many bytes of source are kept.
const maxCached = 2 << 20

type sourceCache struct {
	mu    sync.Mutex
	files map[string]cachedSource
	bytes int64
}

// cachedSource is a file as it was at one time. Its lines are never changed.
type cachedSource struct {
	size    int64
	changed time.Time
	lines   []SourceLine
}

// lines returns the lines of a Go file, nil if it cannot be read.
func (c *sourceCache) lines(file string) []SourceLine {
	info, err := os.Stat(file)
	if err != nil {
		return nil
	}
	c.mu.Lock()
	kept, ok := c.files[file]
	c.mu.Unlock()
	if ok && kept.size == info.Size() && kept.changed.Equal(info.ModTime()) {
		return kept.lines
	}
	text, ok := readSource(file)
	if !ok {
		return nil
	}
	read := cachedSource{info.Size(), info.ModTime(), highlight(text)}
	if read.size > maxCached {
		return read.lines
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.files == nil || c.bytes+read.size > maxCached {
		c.files, c.bytes = map[string]cachedSource{}, 0
	}
	c.bytes += read.size - c.files[file].size
	c.files[file] = read
	return read.lines
}

func readSource(file string) (string, bool) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return "", false
	}
	text, err := os.ReadFile(file)
	return string(text), err == nil
}

// locate finds a file if -trimpath has left only its import path. It looks for files of the main
// module below the module's folder, if the program runs in it, for files of Go below GOROOT, and
// for those of a dependency in the module cache.
func (p program) locate(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	if p.module != "" && p.root != "" {
		if rest, ok := strings.CutPrefix(file, p.module+"/"); ok {
			return filepath.Join(p.root, filepath.FromSlash(rest))
		}
	}
	if strings.Contains(file, "@v") {
		cache := os.Getenv("GOMODCACHE")
		if cache == "" {
			home, _ := os.UserHomeDir()
			cache = filepath.Join(home, "go", "pkg", "mod")
		}
		return filepath.Join(cache, filepath.FromSlash(file))
	}
	if root := os.Getenv("GOROOT"); root != "" {
		return filepath.Join(root, "src", filepath.FromSlash(file))
	}
	return file
}

// zeug is the module of this package. Its packages are a library to the application, except for
// its examples and its own tests.
const zeug = "github.com/zeugkit/zeug/"

// isLibrary reports whether a frame belongs to Go, to the module cache, to a
// vendor folder or to Zeug, and not to the application.
func (s *sources) isLibrary(f Frame) bool {
	file := filepath.ToSlash(f.File)
	pkg := f.Package()
	switch root := s.program.goroot; {
	case root != "" && strings.HasPrefix(file, root):
		return true
	case strings.Contains(file, "/pkg/mod/"), strings.Contains(file, "/vendor/"), strings.Contains(file, "@v"):
		return true
	case strings.HasPrefix(pkg, zeug):
		rest := pkg[len(zeug):]
		return !strings.HasPrefix(rest, "examples/") && !strings.HasPrefix(rest, "docs/") && !strings.HasSuffix(file, "_test.go")
	case pkg == "main":
		return false
	}
	first, _, _ := strings.Cut(pkg, "/")
	// The path of a package of Go has no dot in its first part. The path of a
	// module with a name of its own choice has none either, but only the main
	// module may have such a name.
	main, _, _ := strings.Cut(s.program.module, "/")
	return !filepath.IsAbs(f.File) && !strings.Contains(first, ".") && first != main
}
