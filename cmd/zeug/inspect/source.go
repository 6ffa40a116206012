package inspect

import (
	"debug/buildinfo"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-delve/delve/pkg/proc"
)

// The source of the program's packages is read and type-checked where an expression needs it. The
// debug information says in which folders it was when the program was built, and the build
// information says which files belonged to it.
//
// Most of a program is not needed. So a package is read when a declaration or a body names it, and of
// the bodies of functions only those are checked that are interpreted:
//
//	main.(*user).Title    checks package main without bodies, then the body of Title
//	its signature         names package time, which is checked without bodies too
//	its body              names package strings, which is checked when the body is

// source is the source of a program.
type source struct {
	fset    *token.FileSet
	context build.Context
	// root is the folder of the standard library. folders maps the paths of other packages to the
	// folders of their source.
	root    string
	folders map[string]string
	// built is when the program was built: source that is newer is not the program's.
	built time.Time
	// fuses says that the program's processor may have fused a multiplication and an addition of
	// floats, which rounds once instead of twice.
	fuses    bool
	packages map[string]*sourcePackage
	bodies   map[bodyKey]*checkedBody
}

// sourcePackage is a package of the program.
type sourcePackage struct {
	*types.Package
	folder string
	files  []*ast.File
	scopes map[ast.Node]*types.Scope
	// functions has the declarations of functions and methods, by the object that each declares.
	functions map[*types.Func]*declaredFunction
	begun     bool
	err       error // why the package cannot be read
}

// declaredFunction is the declaration of a function in a file.
type declaredFunction struct {
	*ast.FuncDecl
	file *ast.File
	in   *sourcePackage
}

// sourceOf finds the source of the program, once.
func (w *view) sourceOf() (*source, error) {
	if w.core.source != nil {
		return w.core.source, nil
	}
	program, err := os.Stat(w.core.program)
	if err != nil {
		return nil, err
	}
	info, err := buildinfo.ReadFile(w.core.program)
	if err != nil {
		return nil, err
	}
	s := &source{fset: token.NewFileSet(), context: build.Default, built: program.ModTime(), folders: map[string]string{}, packages: map[string]*sourcePackage{}, bodies: map[bodyKey]*checkedBody{}}
	s.context.CgoEnabled = false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "GOOS":
			s.context.GOOS = setting.Value
		case "GOARCH":
			s.context.GOARCH = setting.Value
		case "CGO_ENABLED":
			s.context.CgoEnabled = setting.Value == "1"
		case "GOAMD64":
			s.fuses = s.fuses || setting.Value >= "v3"
		case "-tags":
			s.context.BuildTags = append(s.context.BuildTags, strings.Split(setting.Value, ",")...)
		case "-race", "-msan", "-asan":
			if setting.Value == "true" {
				s.context.BuildTags = append(s.context.BuildTags, setting.Key[1:])
			}
		}
	}
	s.fuses = s.fuses || s.context.GOARCH != "amd64"
	bin := w.scope.BinInfo
	if fn := bin.LookupFunc()["runtime.gopanic"]; len(fn) > 0 {
		file, _ := bin.EntryLineForFunc(fn[0])
		s.root = filepath.Dir(filepath.Dir(file))
	}
	tries := map[string]int{}
	for i := range bin.Functions {
		s.locate(bin, &bin.Functions[i], tries)
	}
	w.core.source = s
	return s, nil
}

// maxTries is how many functions of a package are looked at to find its folder.
const maxTries = 20

// locate notes the folder of a function's package. The standard library has functions with the name
// of another package than the one that they are written in (go:linkname). tries counts the functions of
// each package: finding the line of one takes as long as its package is large.
func (s *source) locate(bin *proc.BinaryInfo, fn *proc.Function, tries map[string]int) {
	if fn.Entry == 0 { // it has been inlined wherever it is called, and has no line of its own
		return
	}
	path, err := url.PathUnescape(fn.PackageName())
	if err != nil || path == "" || s.folders[path] != "" || tries[path] >= maxTries {
		return
	}
	if tries[path]++; tries[path] == 1 && s.root != "" && isFolder(filepath.Join(s.root, path)) {
		tries[path] = maxTries // it is of the standard library
		return
	}
	file, _ := bin.EntryLineForFunc(fn)
	if filepath.IsAbs(file) && strings.HasSuffix(file, ".go") && !s.isStandard(file) {
		s.folders[path] = filepath.Dir(file)
	}
}

// isStandard reports whether a file or folder belongs to the standard library.
func (s *source) isStandard(name string) bool {
	return s.root != "" && strings.HasPrefix(name, s.root+string(filepath.Separator))
}

// folder finds the folder of a package that another package imports, and the path under which the
// program has it. The program may have no function of it: then its folder is where it must be beside
// the folders of other packages.
func (s *source) folder(path, from string) (string, string) {
	if folder := s.folders[path]; folder != "" {
		return path, folder
	}
	vendored := "vendor/" + path // by the standard library
	if folder := filepath.Join(s.root, vendored); s.isStandard(from) && isFolder(folder) {
		return vendored, folder
	}
	if folder := filepath.Join(s.root, path); s.root != "" && isFolder(folder) {
		return path, folder
	}
	known := ""
	for p, folder := range s.folders {
		// github.com/a/b/c is in …/b@v1/c, so github.com/a/b/d is in …/b@v1/d.
		for strings.Contains(p, "/") && filepath.Base(p) == filepath.Base(folder) {
			p, folder = p[:strings.LastIndexByte(p, '/')], filepath.Dir(folder)
			if rest, ok := strings.CutPrefix(path, p+"/"); ok && isFolder(filepath.Join(folder, rest)) && len(p) > len(known) {
				known = p
				s.folders[path] = filepath.Join(folder, rest)
			}
		}
	}
	return path, s.folders[path]
}

func isFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// named returns a package by its path, without reading its source. The file that imports it is in
// the folder from.
func (s *source) named(path, from string) *sourcePackage {
	if path == "unsafe" {
		return &sourcePackage{Package: types.Unsafe, begun: true}
	}
	path, folder := s.folder(path, from)
	if p := s.packages[path]; p != nil {
		return p
	}
	p := &sourcePackage{folder: folder, functions: map[*types.Func]*declaredFunction{}, scopes: map[ast.Node]*types.Scope{}}
	p.Package = types.NewPackage(path, packageName(path, folder))
	p.MarkComplete() // as far as anything has asked for it
	s.packages[path] = p
	return p
}

// packageName returns the name of a package, from the first file that can tell it.
func packageName(path, folder string) string {
	files, _ := filepath.Glob(filepath.Join(folder, "*.go"))
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.PackageClauseOnly)
		if err == nil && tree.Name.Name != "main" && tree.Name.Name != "documentation" {
			return tree.Name.Name
		}
	}
	return filepath.Base(path)
}

// parse reads the files of a package.
func (s *source) parse(folder string) (files []*ast.File, err error) {
	if folder == "" {
		return nil, errors.New("its source is not on this machine")
	}
	list, err := s.context.ImportDir(folder, 0)
	if err != nil {
		return nil, errors.New("its source is not on this machine")
	}
	for _, name := range slices.Concat(list.GoFiles, list.CgoFiles) {
		name = filepath.Join(folder, name)
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		if info.ModTime().After(s.built) {
			return nil, fmt.Errorf("%s has changed since the program was built", name)
		}
		file, err := parser.ParseFile(s.fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, errors.New("its source cannot be read")
		}
		files = append(files, file)
	}
	if len(files) == 0 {
		return nil, errors.New("its source is not on this machine")
	}
	return files, nil
}

// declarations returns a package with its declarations checked.
func (s *source) declarations(path, from string) (*sourcePackage, error) {
	p := s.named(path, from)
	if p.begun || p.err != nil {
		return p, p.err
	}
	p.begun = true
	if p.files, p.err = s.parse(p.folder); p.err != nil {
		return p, p.err
	}
	for _, file := range p.files {
		s.need(file, file, p.folder, false)
	}
	info := &types.Info{Defs: map[*ast.Ident]types.Object{}, Scopes: p.scopes}
	config := types.Config{Importer: importer{s, p.folder}, IgnoreFuncBodies: true, FakeImportC: true, Error: func(error) {}, Sizes: types.SizesFor("gc", s.context.GOARCH)}
	_ = types.NewChecker(&config, s.fset, p.Package, info).Files(p.files) // what has errors is refused where it is used
	for _, file := range p.files {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				if object, ok := info.Defs[f.Name].(*types.Func); ok {
					p.functions[object] = &declaredFunction{f, file, p}
				}
			}
		}
	}
	return p, nil
}

// need checks the packages that a part of a file names: a body, or everything but the bodies.
func (s *source) need(part ast.Node, file *ast.File, folder string, bodies bool) {
	names := map[string]bool{}
	ast.Inspect(part, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BlockStmt:
			return bodies
		case *ast.SelectorExpr:
			if id, ok := n.X.(*ast.Ident); ok {
				names[id.Name] = true
			}
		}
		return true
	})
	for _, i := range file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if path == "C" || path == "unsafe" {
			continue
		}
		name := ""
		if i.Name != nil {
			name = i.Name.Name
		} else {
			name = s.named(path, folder).Name()
		}
		if name == "." || names[name] {
			_, _ = s.declarations(path, folder) // names of a package that cannot be read are errors
		}
	}
}

// importer gives the checker the packages that a package's files import.
type importer struct {
	*source
	folder string
}

func (i importer) Import(path string) (*types.Package, error) {
	return i.named(path, i.folder).Package, nil
}

// bodyKey names a function, and the types in place of its type parameters.
type bodyKey struct {
	function *types.Func
	types    string
}

// checkedBody is the body of a function, with the types of its expressions.
type checkedBody struct {
	*types.Info
	name     string
	fset     *token.FileSet
	in       *sourcePackage
	receiver *ast.Field // nil for a function
	params   []*ast.Ident
	results  []*ast.Ident // without names, none
	types    *types.Signature
	block    *ast.BlockStmt
}

// body checks the body of a function, with the types given in place of its type parameters. The body
// is checked as that of a function literal in a scope that has the names of its package and file:
//
//	func (s *stack[T]) Top() T { … }     with int for T: type T = int; func(s *stack[T]) T { … }
func (s *source) body(fn *types.Func, arguments []types.Type) (*checkedBody, error) {
	key := bodyKey{fn.Origin(), fmt.Sprint(arguments)}
	if b := s.bodies[key]; b != nil {
		return b, nil
	}
	if fn.Pkg() == nil {
		return nil, errors.New("it has no source")
	}
	p, err := s.declarations(fn.Pkg().Path(), "")
	if err != nil {
		return nil, err
	}
	decl := p.functions[fn.Origin()]
	if decl == nil || decl.Body == nil {
		return nil, errors.New("it has no body in Go")
	}
	s.need(decl.FuncDecl, decl.file, p.folder, true)
	scope := types.NewPackage(p.Path(), p.Name())
	if err := insertTypes(scope.Scope(), scope, typeParams(decl.FuncDecl), arguments); err != nil {
		return nil, err
	}
	for _, outer := range []*types.Scope{p.scopes[decl.file], p.Scope()} {
		for _, name := range outer.Names() {
			object := outer.Lookup(name)
			if imported, ok := object.(*types.PkgName); ok {
				object = types.NewPkgName(token.NoPos, scope, name, imported.Imported())
			}
			scope.Scope().Insert(object)
		}
	}
	b := &checkedBody{name: fn.FullName(), fset: s.fset, in: p, block: decl.Body, Info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Instances: map[*ast.Ident]types.Instance{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Implicits: map[ast.Node]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	literal := &ast.FuncLit{Type: &ast.FuncType{Func: decl.Pos(), Params: &ast.FieldList{}, Results: decl.Type.Results}, Body: decl.Body}
	if decl.Recv != nil {
		b.receiver = namedField(decl.Recv.List[0])
		literal.Type.Params.List = append(literal.Type.Params.List, b.receiver)
	}
	for _, field := range decl.Type.Params.List {
		field = namedField(field)
		b.params = append(b.params, field.Names...)
		literal.Type.Params.List = append(literal.Type.Params.List, field)
	}
	if decl.Type.Results != nil {
		for _, field := range decl.Type.Results.List {
			b.results = append(b.results, field.Names...)
		}
	}
	if err := types.CheckExpr(s.fset, scope, token.NoPos, literal, b.Info); err != nil {
		return nil, fmt.Errorf("its source cannot be type-checked: %w", err)
	}
	signature, ok := b.TypeOf(literal).(*types.Signature)
	if !ok {
		return nil, errors.New("its source cannot be type-checked")
	}
	b.types = signature
	s.bodies[key] = b
	return b, nil
}

// namedField is a field of a parameter list in which each parameter has a name.
func namedField(field *ast.Field) *ast.Field {
	if len(field.Names) > 0 {
		return field
	}
	return &ast.Field{Names: []*ast.Ident{ast.NewIdent("_")}, Type: field.Type}
}

// typeParams lists the names of the type parameters of a function, or of its receiver.
func typeParams(decl *ast.FuncDecl) (names []string) {
	if decl.Type.TypeParams != nil {
		for _, field := range decl.Type.TypeParams.List {
			for _, name := range field.Names {
				names = append(names, name.Name)
			}
		}
	}
	if decl.Recv == nil {
		return names
	}
	receiver := ast.Unparen(decl.Recv.List[0].Type)
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = ast.Unparen(star.X)
	}
	var list []ast.Expr
	switch x := receiver.(type) {
	case *ast.IndexExpr:
		list = []ast.Expr{x.Index}
	case *ast.IndexListExpr:
		list = x.Indices
	}
	for _, x := range list {
		if name, ok := x.(*ast.Ident); ok {
			names = append(names, name.Name)
		}
	}
	return names
}

// insertTypes declares type parameters as the types that they stand for. With floats, constants
// would be computed as while a program is compiled, where the program rounds each result.
func insertTypes(scope *types.Scope, pkg *types.Package, names []string, arguments []types.Type) error {
	if len(names) != len(arguments) {
		return errors.New("its type arguments are not known")
	}
	for i, name := range names {
		if basic, ok := arguments[i].Underlying().(*types.Basic); ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0 {
			return errors.New("it is generic, and computes with floats")
		}
		if name != "_" {
			scope.Insert(types.NewTypeName(token.NoPos, pkg, name, arguments[i]))
		}
	}
	return nil
}
