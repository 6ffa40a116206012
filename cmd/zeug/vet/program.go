package vet

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// program is a set of packages that run together: a main package with its imports, or a package
// alone.
type program struct {
	fset     *token.FileSet
	info     *types.Info
	packages []*Package
	overlay  map[string][]byte
	result   *Result
	add      func(name string, text []byte) *token.File // adds a template to fset

	// closed says that only these packages call their functions or make routing maps.
	closed bool
	// muxElsewhere says that other packages may make routes of gorilla/mux.
	muxElsewhere bool

	decls    map[*types.Func]*ast.FuncDecl
	assigned map[*types.Var][]assignment
	escaped  map[*types.Var]bool    // something else may assign to the variable
	keyed    map[*types.Var][]keyed // m[key] = value
	params   map[*types.Var]param   // of functions that are declared, and of literals
	results  map[ast.Node][]*ast.ReturnStmt
	closures map[*ast.FuncLit]*types.Var   // the variable that holds a literal
	calls    map[types.Object][]call       // direct calls of a function or of a closure's variable
	mentions map[types.Object][]*ast.Ident // other uses of a function
	sites    []call                        // all calls
	branches map[ast.Expr]bool             // values that are assigned in a branch or loop
	copies   []call                        // of maps.Copy
	passed   map[*types.Var]bool           // see passedOn
	inside   map[*ast.CallExpr]ast.Node    // the function that a call is in
	owner    map[ast.Node]*Package         // of functions
	outer    map[*ast.FuncLit]ast.Node     // the function around a literal
	routed   map[*ast.Ident]bool           // uses of functions as targets of rules

	embeds         map[*types.Var]*embedded // variables with go:embed
	exportLiterals []*ast.CompositeLit      // of staticfiles.Export

	maps         []*urlMap
	environments []*environment
	mapAt        map[*ast.CallExpr]*urlMap
	environsAt   map[*ast.CallExpr]*environment
	renderings   []*rendering
	rendersOpen  bool // some template is rendered whose name is not known
	exports      []*export
	reach        map[ast.Node]*reached
	filterNames  []string            // of pongo2.RegisterFilter
	ownTags      bool                // the program has tags of its own
	inner        map[*ast.Ident]bool // see leaves
}

// assignment is an expression whose value a variable gets.
type assignment struct {
	expr   ast.Expr
	result int  // which result of a call, if the call has several
	opaque bool // the variable gets a value that is computed from expr, such as an element of it
}

type keyed struct {
	key, value ast.Expr
	expr       *ast.IndexExpr
}

// param is the place of a variable among the parameters of a function.
type param struct {
	function ast.Node // *ast.FuncDecl or *ast.FuncLit
	index    int
	variadic bool
}

// call is a call and the function that it is in.
type call struct {
	*ast.CallExpr
	in  ast.Node // *ast.FuncDecl, *ast.FuncLit, or nil for the initialization of the package
	pkg *Package
}

// Check checks all programs among the packages.
func Check(l *Loaded) *Result {
	result := &Result{}
	byPath := map[string]*Package{}
	for _, p := range l.Packages {
		byPath[p.Path] = p
	}
	add := newTemplates(l.Fset)
	covered := map[*Package]bool{}
	var alone []*Package
	for _, p := range l.Packages {
		if p.Name != "main" {
			alone = append(alone, p)
			continue
		}
		packages := reachable(p, byPath)
		for _, o := range packages {
			covered[o] = true
		}
		closed := !slices.ContainsFunc(l.foreign, func(path string) bool { return l.imports(p.Path, path) })
		checkProgram(&program{fset: l.Fset, info: l.Info, packages: packages, overlay: l.overlay, result: result, add: add, closed: closed, muxElsewhere: l.usesMuxElsewhere()})
	}
	for _, p := range alone {
		if !covered[p] {
			checkProgram(&program{fset: l.Fset, info: l.Info, packages: []*Package{p}, overlay: l.overlay, result: result, add: add})
		}
	}
	result.sort(l.Fset)
	return result
}

// newTemplates returns a function that adds templates to the files of a program, each once.
func newTemplates(fset *token.FileSet) func(name string, text []byte) *token.File {
	files := map[string]*token.File{}
	return func(name string, text []byte) *token.File {
		if files[name] == nil {
			files[name] = fset.AddFile(name, -1, len(text))
			files[name].SetLinesForContent(text)
		}
		return files[name]
	}
}

// reachable returns the source packages that p imports, and p itself as the last one.
func reachable(p *Package, byPath map[string]*Package) (list []*Package) {
	seen := map[*Package]bool{}
	var visit func(p *Package)
	visit = func(p *Package) {
		if p == nil || seen[p] {
			return
		}
		seen[p] = true
		for _, path := range p.Imports {
			visit(byPath[path])
		}
		list = append(list, p)
	}
	visit(p)
	return list
}

// imports reports whether a package imports another one, directly or not.
func (l *Loaded) imports(from, to string) bool {
	seen := map[string]bool{}
	var visit func(path string) bool
	visit = func(path string) bool {
		if path == to {
			return true
		}
		p := l.listed[path]
		if seen[path] || p == nil {
			return false
		}
		seen[path] = true
		return slices.ContainsFunc(p.Imports, visit)
	}
	return visit(from)
}

func checkProgram(p *program) {
	if slices.ContainsFunc(p.packages, func(pkg *Package) bool { return pkg.Types == nil || len(pkg.Errors) > 0 }) {
		for _, pkg := range p.packages {
			if len(pkg.Errors) > 0 && len(pkg.Files) > 0 {
				p.skip(pkg.Files[0].Package, "package %s does not compile: %v", pkg.Path, pkg.Errors[0])
			}
		}
		return
	}
	p.index()
	p.findMaps()
	p.findTargets()
	p.findEnvironments()
	p.findExports()
	p.checkRules()
	p.checkURLs()
	p.checkParams()
	p.findRenderings()
	p.checkTemplates()
	p.checkStatic()
	p.checkResponses()
	p.ignore()
}

// ignoreDirective is a comment that silences the findings of its line and the next one.
const ignoreDirective = "//zeug:ignore"

// ignore removes the findings that a comment silences.
func (p *program) ignore() {
	silent := map[string]bool{}
	line := func(pos token.Pos, more int) string {
		at := p.fset.Position(pos)
		return at.Filename + ":" + strconv.Itoa(at.Line+more)
	}
	for _, pkg := range p.packages {
		for _, f := range pkg.Files {
			for _, group := range f.Comments {
				for _, c := range group.List {
					if rest, ok := strings.CutPrefix(c.Text, ignoreDirective); ok && (rest == "" || rest[0] == ' ') {
						silent[line(c.Pos(), 0)], silent[line(c.Pos(), 1)] = true, true
					}
				}
			}
		}
	}
	p.result.Findings = slices.DeleteFunc(p.result.Findings, func(f Finding) bool { return silent[line(f.Pos, 0)] })
}

// index walks all files once.
func (p *program) index() {
	p.decls, p.assigned, p.escaped = map[*types.Func]*ast.FuncDecl{}, map[*types.Var][]assignment{}, map[*types.Var]bool{}
	p.keyed, p.params, p.results = map[*types.Var][]keyed{}, map[*types.Var]param{}, map[ast.Node][]*ast.ReturnStmt{}
	p.closures, p.calls, p.mentions = map[*ast.FuncLit]*types.Var{}, map[types.Object][]call{}, map[types.Object][]*ast.Ident{}
	p.inside, p.owner, p.outer = map[*ast.CallExpr]ast.Node{}, map[ast.Node]*Package{}, map[*ast.FuncLit]ast.Node{}
	p.routed, p.reach, p.mapAt, p.environsAt = map[*ast.Ident]bool{}, map[ast.Node]*reached{}, map[*ast.CallExpr]*urlMap{}, map[*ast.CallExpr]*environment{}
	p.branches = map[ast.Expr]bool{}
	p.passed, p.embeds = map[*types.Var]bool{}, map[*types.Var]*embedded{}
	for _, pkg := range p.packages {
		for _, f := range pkg.Files {
			if strings.HasSuffix(p.fset.Position(f.Package).Filename, "_test.go") {
				continue
			}
			w := &walker{program: p, pkg: pkg}
			for _, d := range f.Decls {
				w.walk(d, nil)
			}
		}
	}
}

// walker indexes a file.
type walker struct {
	*program
	pkg     *Package
	callees map[*ast.Ident]bool // identifiers that are called
}

func (w *walker) walk(n ast.Node, in ast.Node) {
	if w.callees == nil {
		w.callees = map[*ast.Ident]bool{}
	}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if f, ok := w.info.Defs[n.Name].(*types.Func); ok {
				w.decls[f] = n
			}
			w.owner[n] = w.pkg
			w.function(n, n.Type)
			if n.Body != nil {
				w.walk(n.Body, n)
			}
			return false
		case *ast.FuncLit:
			w.owner[n], w.outer[n] = w.pkg, in
			w.function(n, n.Type)
			w.walk(n.Body, n)
			return false
		case *ast.ReturnStmt:
			w.results[in] = append(w.results[in], n)
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			w.branch(n)
			w.node(n, in)
		default:
			w.node(n, in)
		}
		return true
	})
}

// branch notes the assignments in a branch or loop.
func (w *walker) branch(n ast.Node) {
	ast.Inspect(n, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok {
			for _, e := range a.Rhs {
				w.branches[ast.Unparen(e)] = true
			}
		}
		return true
	})
}

func (w *walker) node(n ast.Node, in ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		w.call(n, in)
	case *ast.Ident:
		if f, ok := w.info.Uses[n].(*types.Func); ok && !w.callees[n] {
			w.mentions[f.Origin()] = append(w.mentions[f.Origin()], n)
		}
	case *ast.ValueSpec:
		for i, name := range n.Names {
			w.assign(name, n.Values, i)
		}
	case *ast.AssignStmt:
		w.assignment(n)
	case *ast.RangeStmt:
		for _, e := range []ast.Expr{n.Key, n.Value} {
			if v := w.variable(e); v != nil {
				w.assigned[v] = append(w.assigned[v], assignment{expr: n.X, opaque: true})
			}
		}
	case *ast.CompositeLit:
		w.composite(n)
	case *ast.GenDecl:
		w.findEmbeds(n)
	case *ast.UnaryExpr:
		if v := w.variable(n.X); v != nil && n.Op == token.AND {
			w.escaped[v] = true
		}
	case *ast.IncDecStmt:
		if v := w.variable(n.X); v != nil {
			w.escaped[v] = true
		}
	}
}

// function notes the parameters.
func (w *walker) function(n ast.Node, t *ast.FuncType) {
	i := 0
	for _, field := range t.Params.List {
		_, variadic := field.Type.(*ast.Ellipsis)
		for _, name := range field.Names {
			if v, ok := w.info.Defs[name].(*types.Var); ok {
				w.params[v] = param{n, i, variadic}
			}
			i++
		}
		if len(field.Names) == 0 {
			i++
		}
	}
}

func (w *walker) call(n *ast.CallExpr, in ast.Node) {
	c := call{n, in, w.pkg}
	w.sites, w.inside[n] = append(w.sites, c), in
	if w.callee(n) == "maps.Copy" && len(n.Args) == 2 {
		w.copies = append(w.copies, c)
	}
	id := calleeIdent(n)
	if id == nil {
		return
	}
	switch o := w.info.Uses[id].(type) {
	case *types.Func:
		w.callees[id] = true
		w.calls[o.Origin()] = append(w.calls[o.Origin()], c)
	case *types.Var:
		w.calls[o] = append(w.calls[o], c)
	}
}

// calleeIdent returns the identifier of the function that is called.
func calleeIdent(n *ast.CallExpr) *ast.Ident {
	f := ast.Unparen(n.Fun)
	switch g := f.(type) {
	case *ast.IndexExpr:
		f = ast.Unparen(g.X)
	case *ast.IndexListExpr:
		f = ast.Unparen(g.X)
	}
	switch f := f.(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	}
	return nil
}

func (w *walker) assignment(n *ast.AssignStmt) {
	for i, left := range n.Lhs {
		if index, ok := ast.Unparen(left).(*ast.IndexExpr); ok && len(n.Lhs) == len(n.Rhs) {
			if v := w.variable(index.X); v != nil {
				w.keyed[v] = append(w.keyed[v], keyed{index.Index, n.Rhs[i], index})
			}
			continue
		}
		if n.Tok == token.ASSIGN || n.Tok == token.DEFINE {
			w.assign(left, n.Rhs, i)
		} else if v := w.variable(left); v != nil {
			w.assigned[v] = append(w.assigned[v], assignment{expr: n.Rhs[0], opaque: true})
		}
	}
}

func (w *walker) assign(left ast.Expr, values []ast.Expr, i int) {
	v := w.variable(left)
	if v == nil || len(values) == 0 {
		return
	}
	a := assignment{expr: values[0], result: i}
	if i < len(values) && (len(values) > 1 || i == 0) {
		a.expr = values[i]
		if len(values) > 1 {
			a.result = 0
		}
	}
	switch e := ast.Unparen(a.expr).(type) {
	case *ast.FuncLit:
		w.closures[e] = v
	case *ast.CallExpr, *ast.TypeAssertExpr, *ast.IndexExpr, *ast.UnaryExpr:
	default:
		a.result = 0
	}
	w.assigned[v] = append(w.assigned[v], a)
}

// composite notes what the fields of a struct get.
func (w *walker) composite(n *ast.CompositeLit) {
	t := w.info.TypeOf(n)
	if t == nil {
		return
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	if isNamed(t, zeugModule+"/staticfiles", "Export") {
		w.exportLiterals = append(w.exportLiterals, n)
	}
	for i, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				if v, ok := w.info.Uses[id].(*types.Var); ok {
					w.assigned[v.Origin()] = append(w.assigned[v.Origin()], assignment{expr: kv.Value})
				}
			}
		} else if i < s.NumFields() {
			v := s.Field(i).Origin()
			w.assigned[v] = append(w.assigned[v], assignment{expr: e})
		}
	}
}

// variable returns the variable or field that an expression names.
func (p *program) variable(e ast.Expr) *types.Var {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		if v, ok := p.info.ObjectOf(e).(*types.Var); ok {
			return v.Origin()
		}
	case *ast.SelectorExpr:
		if v, ok := p.info.ObjectOf(e.Sel).(*types.Var); ok {
			return v.Origin()
		}
	}
	return nil
}

// callee returns the full name of the function that is called, such as
// "(*github.com/zeugkit/zeug.Request).URL", or "".
func (p *program) callee(n *ast.CallExpr) string {
	id := calleeIdent(n)
	if id == nil {
		return ""
	}
	if f, ok := p.info.Uses[id].(*types.Func); ok {
		return f.Origin().FullName()
	}
	return ""
}

// zeugName returns what callee does, without the module: "(*zeug.Request).URL", "routing.NewMap".
// It is "" for functions that are not part of Zeug.
func (p *program) zeugName(n *ast.CallExpr) string {
	id := calleeIdent(n)
	if id == nil {
		return ""
	}
	f, ok := p.info.Uses[id].(*types.Func)
	if !ok || f.Pkg() == nil || !isLibrary(f.Pkg().Path()) {
		return ""
	}
	name := f.Name()
	if recv := f.Signature().Recv(); recv != nil {
		t := recv.Type()
		if ptr, ok := t.(*types.Pointer); ok {
			t = ptr.Elem()
		}
		if named, ok := t.(*types.Named); ok {
			name = named.Obj().Name() + "." + name
		}
	}
	return path.Base(f.Pkg().Path()) + "." + name
}

// usesZeug reports whether a package of a program uses Zeug itself, so that it may contain
// something to check.
func usesZeug(pkg *types.Package) bool {
	return !isLibrary(pkg.Path()) && slices.ContainsFunc(pkg.Imports(), func(o *types.Package) bool { return isLibrary(o.Path()) || usesZeug(o) })
}

func dirOf(name string) string { return filepath.Dir(name) }
