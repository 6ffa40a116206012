package reload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/zeugkit/zeug/internal/devtools"
)

// addedImport links the development tools into a program that does not import them. The go command
// gets an overlay with a file that is not in the folder of package main:
//
//	go build -overlay=/tmp/zeug-reload-1/overlay.json ./cmd/app
//
//	overlay.json      {"Replace": {"/src/cmd/app/zeug_dev.go": "/tmp/zeug-reload-1/zeug_dev.go"}}
//	zeug_dev.go       package main; import _ "github.com/zeugkit/zeug/serving/dev"
//
// Nothing is written to the program's folder, and the go.mod that requires zeug for package serving
// covers the import.
type addedImport struct {
	folder string // the folder of the two files
	warn   func(reason error)

	mu     sync.Mutex
	shown  *shownFile // of the last listing with the import, nil if there was none
	warned bool
}

// shownFile is a Go file that exists only for the go command, not on the disk.
type shownFile struct {
	path string // in the folder of package main
	flag string // -overlay
}

const servingPath = "github.com/zeugkit/zeug/serving"

// list lists the sources of p with the import, if the program uses package serving and does not
// have the tools. If the go command does not find the tools for this program, the sources are
// listed without the import.
func (a *addedImport) list(ctx context.Context, p *Program) (*sources, error) {
	if a == nil {
		return p.list(ctx, nil)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.shown != nil { // a plain listing would have the same result as before
		if listed, err := p.list(ctx, a.shown); err == nil {
			return listed, nil
		}
		a.shown = nil
	}
	plain, err := p.list(ctx, nil)
	if err != nil || !plain.paths[servingPath] || plain.paths[devtools.ImportPath] || plain.main() == nil {
		return plain, err
	}
	shown, err := a.show(p, plain)
	if err == nil {
		var listed *sources
		if listed, err = p.list(ctx, shown); err == nil {
			if err = newFault(plain, listed); err == nil {
				a.shown = shown
				return listed, nil
			}
		}
	}
	if ctx.Err() == nil && !a.warned {
		a.warned = true
		a.warn(err)
	}
	return plain, nil
}

// newFault returns the error of a package that has an error only because of the import.
func newFault(plain, listed *sources) error {
	for path, fault := range listed.faults {
		if plain.faults[path] == "" {
			return errors.New(fault)
		}
	}
	return nil
}

// show writes the two files, for a program with these sources.
func (a *addedImport) show(p *Program, listed *sources) (*shownFile, error) {
	source := filepath.Join(a.folder, "zeug_dev.go")
	text := fmt.Sprintf("package main\n\nimport _ %q\n", devtools.ImportPath)
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		return nil, err
	}
	replace, err := givenOverlay(p, listed.goFlags)
	if err != nil {
		return nil, err
	}
	path := unusedName(listed.main().Dir)
	replace[path] = source
	content, err := json.Marshal(overlay{replace})
	if err != nil {
		return nil, err
	}
	config := filepath.Join(a.folder, "overlay.json")
	if err := os.WriteFile(config, content, 0o600); err != nil {
		return nil, err
	}
	return &shownFile{path: path, flag: "-overlay=" + config}, nil
}

// unusedName returns a name for a Go file that is not in dir.
func unusedName(dir string) string {
	for n := 0; ; n++ {
		name := filepath.Join(dir, "zeug_dev"+strings.Repeat("_", n)+".go")
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			return name
		}
	}
}

// overlay is the file that the flag -overlay names.
type overlay struct{ Replace map[string]string }

// givenOverlay returns the files that the user's own overlay replaces. It is needed because the go
// command uses only the last of two such flags.
func givenOverlay(p *Program, goFlags []string) (map[string]string, error) {
	name := ""
	for i, flag := range slices.Concat(goFlags, p.Flags) {
		option, value, joined := strings.Cut(strings.TrimLeft(flag, "-"), "=")
		if option != "overlay" || !strings.HasPrefix(flag, "-") {
			continue
		}
		if rest := slices.Concat(goFlags, p.Flags)[i+1:]; !joined && len(rest) > 0 {
			value = rest[0]
		}
		name = value
	}
	if name == "" {
		return map[string]string{}, nil
	}
	if !filepath.IsAbs(name) {
		name = filepath.Join(p.Dir, name)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	given := overlay{map[string]string{}}
	if err := json.Unmarshal(content, &given); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return given.Replace, nil
}

// arguments returns the arguments of "go list" and "go build" that name the program: flags and the
// package. If a program is named by its file, the shown file is named as a second one.
func (p *Program) arguments(shown *shownFile) []string {
	args := slices.Clone(p.Flags)
	if shown == nil {
		return append(args, p.Package)
	}
	args = append(args, shown.flag, p.Package)
	if strings.HasSuffix(p.Package, ".go") {
		args = append(args, filepath.Join(filepath.Dir(p.Package), filepath.Base(shown.path)))
	}
	return args
}
