package vet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// zeugModule is the module whose packages are not checked themselves.
const zeugModule = "github.com/zeugkit/zeug"

// Config says what [Load] loads.
type Config struct {
	// Dir is the folder in which the go command runs. Default: the current one.
	Dir string
	// Flags are flags of "go list", such as "-tags=sqlite".
	Flags []string
	// Env is the environment of the go command. Default: the one of the process.
	Env []string
}

// Package is a package whose source is checked.
type Package struct {
	Path, Name, Dir string
	// Files are the Go files without tests.
	Files []*ast.File
	Types *types.Package
	// Imports are the paths of the packages that it imports, as the go command resolves them.
	Imports []string
	// Errors are the mistakes that the parser and the type checker found.
	Errors []error
}

// Loaded are packages that [Check] takes.
type Loaded struct {
	Fset     *token.FileSet
	Info     *types.Info
	Packages []*Package // each after the packages that it imports

	listed  map[string]*listed
	foreign []string // packages of other modules that use zeug
	overlay map[string][]byte
	export  types.Importer // of export data
}

// listed is what the go command tells about a package.
type listed struct {
	ImportPath, Name, Dir, Export string
	GoFiles, CgoFiles             []string
	Imports                       []string
	ImportMap                     map[string]string
	Standard, DepOnly             bool
	Module                        *struct{ Path, GoVersion string }
	Error                         *struct{ Pos, Err string }

	usesZeug, source bool
}

// Load loads the packages that the patterns name. It type-checks the source of those packages, and of the
// packages of their modules that use Zeug. Everything else comes from the compiler's export data, so
// nothing is read twice while the build cache is warm.
func Load(config Config, patterns ...string) (*Loaded, error) {
	all, err := list(config, patterns)
	if err != nil {
		return nil, err
	}
	l := &Loaded{Fset: token.NewFileSet(), listed: map[string]*listed{}}
	for _, p := range all {
		l.listed[p.ImportPath] = p
		p.usesZeug = isLibrary(p.ImportPath)
		for _, path := range p.Imports {
			if other := l.listed[path]; other != nil && other.usesZeug { // dependencies come first
				p.usesZeug = true
			}
		}
	}
	var failures []error
	for _, p := range all {
		switch {
		case p.Standard || isLibrary(p.ImportPath) || !p.usesZeug && p.DepOnly:
		case p.DepOnly && l.elsewhere(p, all):
			l.foreign = append(l.foreign, p.ImportPath)
		default:
			if p.Error != nil && len(p.GoFiles) == 0 && !p.DepOnly {
				if !strings.Contains(p.Error.Err, "build constraints exclude all Go files") && !strings.Contains(p.Error.Err, "no Go files") {
					failures = append(failures, errors.New(strings.TrimSpace(p.Error.Err)))
				}
				continue
			}
			p.source = true
		}
	}
	if len(failures) > 0 {
		return nil, errors.Join(failures...)
	}
	l.export = importer.ForCompiler(l.Fset, "gc", func(path string) (io.ReadCloser, error) {
		if p := l.listed[path]; p != nil && p.Export != "" {
			return os.Open(p.Export)
		}
		return nil, fmt.Errorf("there is no export data of %q", path)
	})
	l.parse()
	return l, nil
}

// isLibrary reports whether a package is part of the toolkit. Examples and the programs of the guides
// are programs.
func isLibrary(path string) bool {
	rest, ok := strings.CutPrefix(path, zeugModule)
	if !ok || rest != "" && rest[0] != '/' {
		return false
	}
	for _, programs := range []string{"/examples/", "/docs/", "/bench/", "/testdata/"} {
		if strings.Contains(rest, programs) {
			return false
		}
	}
	return true
}

// elsewhere reports whether p belongs to a module of which no package was named.
func (l *Loaded) elsewhere(p *listed, all []*listed) bool {
	return !slices.ContainsFunc(all, func(o *listed) bool {
		return !o.DepOnly && (o.Module == nil) == (p.Module == nil) && (o.Module == nil || o.Module.Path == p.Module.Path)
	})
}

// list asks the go command.
func list(config Config, patterns []string) ([]*listed, error) {
	args := append([]string{"list", "-e", "-export", "-deps",
		"-json=ImportPath,Name,Dir,Export,GoFiles,CgoFiles,Imports,ImportMap,Standard,DepOnly,Module,Error"}, config.Flags...)
	cmd := exec.Command("go", append(append(args, "--"), patterns...)...)
	cmd.Dir, cmd.Env = config.Dir, config.Env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	var all []*listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		p := &listed{}
		if err := decoder.Decode(p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("the output of go list: %w", err)
		}
		all = append(all, p)
		for i, path := range p.Imports {
			if actual, ok := p.ImportMap[path]; ok {
				p.Imports[i] = actual
			}
		}
	}
}

// With returns the packages with other contents of some files, which are named by their absolute paths.
// A nil content means that the file does not exist. It is for tests of the checks themselves, and needs no go
// command.
func (l *Loaded) With(overlay map[string][]byte) *Loaded {
	changed := &Loaded{Fset: l.Fset, listed: l.listed, foreign: l.foreign, overlay: overlay, export: l.export}
	changed.parse()
	return changed
}

// parse reads and type-checks the source packages.
func (l *Loaded) parse() {
	l.Info = newInfo()
	var order []*listed
	for _, p := range l.listed {
		if p.source {
			order = append(order, p)
		}
	}
	order = l.sorted(order)
	parsed := make([]*Package, len(order))
	var wait sync.WaitGroup
	for i, p := range order {
		wait.Go(func() { parsed[i] = l.parsePackage(p) })
	}
	wait.Wait()
	checked := map[string]*types.Package{}
	for i, p := range order {
		l.check(p, parsed[i], checked)
		l.Packages = append(l.Packages, parsed[i])
	}
}

func newInfo() *types.Info {
	return &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Instances: map[*ast.Ident]types.Instance{},
		Implicits: map[ast.Node]types.Object{}, FileVersions: map[*ast.File]string{},
	}
}

// sorted returns packages in the order in which they can be checked.
func (l *Loaded) sorted(packages []*listed) (order []*listed) {
	slices.SortFunc(packages, func(a, b *listed) int { return strings.Compare(a.ImportPath, b.ImportPath) })
	done := map[*listed]bool{}
	var visit func(p *listed)
	visit = func(p *listed) {
		if p == nil || done[p] {
			return
		}
		done[p] = true
		for _, path := range p.Imports {
			if o := l.listed[path]; o != nil && o.source {
				visit(o)
			}
		}
		order = append(order, p)
	}
	for _, p := range packages {
		visit(p)
	}
	return order
}

func (l *Loaded) parsePackage(p *listed) *Package {
	pkg := &Package{Path: p.ImportPath, Name: p.Name, Dir: p.Dir, Imports: p.Imports}
	for _, name := range p.GoFiles {
		path := filepath.Join(p.Dir, name)
		text, err := readFile(l.overlay, path)
		if err != nil {
			pkg.Errors = append(pkg.Errors, err)
			continue
		}
		f, err := parser.ParseFile(l.Fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			pkg.Errors = append(pkg.Errors, err)
		}
		if f != nil {
			pkg.Files = append(pkg.Files, f)
		}
	}
	return pkg
}

// check type-checks a package. Source packages import each other, and otherwise export data.
func (l *Loaded) check(p *listed, pkg *Package, checked map[string]*types.Package) {
	config := types.Config{
		FakeImportC: true,
		Importer: importing(func(path string) (*types.Package, error) {
			if actual, ok := p.ImportMap[path]; ok {
				path = actual
			}
			if path == "unsafe" {
				return types.Unsafe, nil
			}
			if source := checked[path]; source != nil {
				return source, nil
			}
			return l.export.Import(path)
		}),
		Error: func(err error) { pkg.Errors = append(pkg.Errors, err) },
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	pkg.Types, _ = config.Check(p.ImportPath, l.Fset, pkg.Files, l.Info) // the mistakes are in pkg.Errors
	checked[p.ImportPath] = pkg.Types
}

type importing func(path string) (*types.Package, error)

func (f importing) Import(path string) (*types.Package, error) { return f(path) }

// readFile reads a file, or returns the content that replaces it.
func readFile(overlay map[string][]byte, path string) ([]byte, error) {
	if text, ok := overlay[path]; ok {
		if text == nil {
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return text, nil
	}
	return os.ReadFile(path)
}
