// Package api keeps the exported API of every public package in files, so that each change of it is
// visible in review.
package api_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the API as it is into testdata")

const command = "go test ./internal/api -update"

// TestAPI compares the exported declarations of each public package with its file in
// testdata. Comments do not count.
func TestAPI(t *testing.T) {
	packages := publicPackages(t)
	require.Contains(t, packages, "wrappers")
	if *update {
		require.NoError(t, os.RemoveAll("testdata"))
		require.NoError(t, os.Mkdir("testdata", 0o755))
	}
	for _, dir := range packages {
		file := filepath.Join("testdata", fileOf(dir))
		now := exported(t, dir)
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(now), 0o644))
			continue
		}
		was, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s is a new package: %v\nIf that is intended: %s", dir, err, command)
		} else if string(was) != now {
			t.Errorf("the API of %s has changed:\n%s\nIf that is intended, tell users in CHANGELOG.md, and then: %s", dir, changes(string(was), now), command)
		}
	}
	kept, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, entry := range kept {
		if !slices.ContainsFunc(packages, func(dir string) bool { return fileOf(dir) == entry.Name() }) {
			t.Errorf("testdata/%s is of a package that is gone: %s", entry.Name(), command)
		}
	}
}

// TestCount compares the number of exported names of each package with names.txt, so that a
// package that grows is visible in one line.
func TestCount(t *testing.T) {
	var b strings.Builder
	total := 0
	for _, dir := range publicPackages(t) {
		names := countNames(exported(t, dir))
		total += names
		fmt.Fprintf(&b, "%5d  %s\n", names, dir)
	}
	fmt.Fprintf(&b, "%5d  in all\n", total)
	if *update {
		require.NoError(t, os.WriteFile("names.txt", []byte(b.String()), 0o644))
		return
	}
	was, err := os.ReadFile("names.txt")
	require.NoError(t, err)
	require.Equal(t, string(was), b.String(), "the number of exported names has changed. If that is intended: %s", command)
}

// countNames reads the number in the first line of a rendering.
func countNames(rendering string) int {
	first, _, _ := strings.Cut(rendering, " ")
	n, _ := strconv.Atoi(first)
	return n
}

func TestChangesAreShown(t *testing.T) {
	require.Equal(t, "- func B()\n+ func C()\n", changes("func A()\nfunc B()\n", "func A()\nfunc C()\n"))
}

// TestRenderingIgnoresWhatUsersCannotSee renders a package whose comments, bodies and
// unexported parts must not appear.
func TestRenderingIgnoresWhatUsersCannotSee(t *testing.T) {
	source := `package p
// Comment.
const A, b = 1, 2
const (
	C Kind = iota
	D
)
var V = map[string]int{"x": 1}
type Kind int
type S[T any] struct {
	Shown T // comment
	hidden int
}
func (s *S[T]) M(a, b int) error { return nil }
func (s *S[T]) m() {}
type hidden struct{}
func (hidden) M() {}
type I interface { M(); m() }
func F() {}
`
	parsed, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	require.NoError(t, err)
	require.Equal(t, `9 exported names

const A
const C Kind
const D
func (s *S[T]) M(a, b int) error
func F()
type I interface {
	M()
	// unexported
}
type Kind int
type S[T any] struct {
	Shown T
	// unexported
}
var V
`, render([]*ast.File{parsed}))
}

// fileOf returns the file name for a package: "middleware-compress.txt".
func fileOf(dir string) string {
	if dir == "." {
		return "zeug.txt"
	}
	return strings.ReplaceAll(dir, "/", "-") + ".txt"
}

// publicPackages returns the directories of all packages that a program may import.
func publicPackages(t *testing.T) (list []string) {
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		switch base := path.Base(name); {
		case name == ".":
		case base == "internal", base == "testdata", strings.HasPrefix(base, "."), strings.HasPrefix(base, "_"),
			name == "bench", name == "cmd", name == "docs", name == "examples":
			return fs.SkipDir
		}
		if p, err := linux().ImportDir(filepath.Join("../..", name), 0); err == nil && p.Name != "main" && len(p.GoFiles) > 0 {
			list = append(list, name)
		}
		return nil
	})
	require.NoError(t, err)
	return list
}

// linux returns the build context of a fixed system, so that the files are the same
// wherever the test runs.
func linux() *build.Context {
	c := build.Default
	c.GOOS, c.GOARCH, c.CgoEnabled, c.BuildTags = "linux", "amd64", false, nil
	return &c
}

func exported(t *testing.T, dir string) string {
	dir = filepath.Join("../..", dir)
	p, err := linux().ImportDir(dir, 0)
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	for _, internal := range aliased(files) {
		files = append(files, internalTypes(t, internal)...)
	}
	return render(files)
}

// aliased takes the aliases of types of internal packages out of the files: users see the types themselves. It returns
// the names of the types for each internal package, with its import path in "".
func aliased(files []*ast.File) (list []map[string]string) {
	for _, file := range files {
		packages := map[string]map[string]string{}
		for _, spec := range file.Imports {
			if p := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(p, module) && strings.Contains(p, "/internal/") {
				packages[path.Base(p)] = map[string]string{"": p}
			}
		}
		for _, decl := range file.Decls {
			types, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			types.Specs = slices.DeleteFunc(types.Specs, func(spec ast.Spec) bool {
				alias, ok := spec.(*ast.TypeSpec)
				if !ok || !alias.Assign.IsValid() || !alias.Name.IsExported() {
					return false
				}
				of, ok := alias.Type.(*ast.SelectorExpr)
				if !ok || packages[of.X.(*ast.Ident).Name] == nil {
					return false
				}
				packages[of.X.(*ast.Ident).Name][of.Sel.Name] = alias.Name.Name
				return true
			})
		}
		for _, types := range packages {
			if len(types) > 1 {
				list = append(list, types)
			}
		}
	}
	return list
}

const module = "github.com/zeugkit/zeug/"

// internalTypes returns the declarations of types of an internal package, with their methods.
func internalTypes(t *testing.T, names map[string]string) (files []*ast.File) {
	dir := filepath.Join("../..", strings.TrimPrefix(names[""], module))
	p, err := linux().ImportDir(dir, 0)
	require.NoError(t, err)
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, 0)
		require.NoError(t, err)
		file.Decls = slices.DeleteFunc(file.Decls, func(decl ast.Decl) bool {
			switch decl := decl.(type) {
			case *ast.FuncDecl:
				return decl.Recv == nil || names[receiver(decl.Recv.List[0].Type)] == ""
			case *ast.GenDecl:
				decl.Specs = slices.DeleteFunc(decl.Specs, func(spec ast.Spec) bool {
					declared, ok := spec.(*ast.TypeSpec)
					return !ok || names[declared.Name.Name] == ""
				})
				return len(decl.Specs) == 0
			}
			return true
		})
		files = append(files, file)
	}
	return files
}

// render returns the exported declarations of a package in order, after a line that
// counts their names: functions, methods, types, constants and variables.
func render(files []*ast.File) string {
	var list []string
	for _, file := range files {
		ast.FileExports(file)
		for _, decl := range file.Decls {
			list = append(list, declarations(decl)...)
		}
	}
	slices.Sort(list)
	return fmt.Sprintf("%d exported names\n\n%s", len(list), strings.Join(list, ""))
}

func declarations(decl ast.Decl) (list []string) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv != nil && !ast.IsExported(receiver(decl.Recv.List[0].Type)) {
			return nil
		}
		decl.Body = nil
		list = append(list, source(decl))
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				list = append(list, source(&ast.GenDecl{Tok: token.TYPE, Specs: []ast.Spec{spec}}))
			case *ast.ValueSpec:
				for _, name := range spec.Names {
					text := decl.Tok.String() + " " + name.Name
					if spec.Type != nil {
						text += " " + strings.TrimSpace(source(spec.Type))
					}
					if name.IsExported() {
						list = append(list, text+"\n")
					}
				}
			}
		}
	}
	return list
}

// receiver returns the name of a receiver's type.
func receiver(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// source prints a node, in the same way wherever it is in its file.
func source(node ast.Node) string {
	var b bytes.Buffer
	config := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}
	if err := config.Fprint(&b, token.NewFileSet(), node); err != nil {
		return err.Error()
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		line = strings.TrimRight(line, " \t\n")
		indent := len(line) - len(strings.TrimLeft(line, "\t"))
		// The alignment of columns in spaces is removed.
		line = line[:indent] + strings.Join(strings.Fields(line[indent:]), " ")
		if before, _, found := strings.Cut(line, "// contains filtered or unexported"); found {
			lines = append(lines, strings.Repeat("\t", indent+1)+"// unexported")
			line = strings.TrimRight(before, " ")
		}
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// changes returns the lines that only one of two renderings has.
func changes(was, now string) string {
	var b strings.Builder
	old, fresh := strings.Split(was, "\n"), strings.Split(now, "\n")
	for _, line := range old {
		if !slices.Contains(fresh, line) {
			b.WriteString("- " + line + "\n")
		}
	}
	for _, line := range fresh {
		if !slices.Contains(old, line) {
			b.WriteString("+ " + line + "\n")
		}
	}
	return b.String()
}
