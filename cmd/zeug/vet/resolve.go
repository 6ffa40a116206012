package vet

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// scope binds the parameters of a function to the arguments of one call.
type scope struct {
	function ast.Node
	call     *ast.CallExpr
	args     *scope // the scope of the arguments
}

// bound is an expression in the function of a call.
type bound struct {
	expr   ast.Expr
	scope  *scope
	result int // which result of a call
}

// depth bounds how far an expression is followed; it also ends recursion.
const depth = 16

// resolve follows an expression to the expressions that make its value: literals, functions, and
// calls of functions that are not part of the program. It returns false if there may be others.
func (p *program) resolve(b bound) (list []bound, complete bool) {
	r := resolver{p: p, complete: true, seen: map[bound]bool{}}
	r.follow(b, 0)
	return r.list, r.complete
}

type resolver struct {
	p        *program
	list     []bound
	complete bool
	seen     map[bound]bool
}

func (r *resolver) follow(b bound, level int) {
	p := r.p
	if level > depth {
		r.complete = false
		return
	}
	b.expr = ast.Unparen(b.expr)
	if r.seen[b] { // x = append(x, …)
		return
	}
	r.seen[b] = true
	if p.info.Types[b.expr].Value != nil {
		r.list = append(r.list, b)
		return
	}
	switch e := b.expr.(type) {
	case *ast.Ident:
		r.ident(b, e, level)
	case *ast.SelectorExpr:
		if v, ok := p.info.Uses[e.Sel].(*types.Var); ok {
			r.variable(b, v.Origin(), level)
			return
		}
		r.list = append(r.list, b)
	case *ast.CallExpr:
		r.call(b, e, level)
	case *ast.StarExpr:
		r.follow(bound{e.X, b.scope, 0}, level+1)
	case *ast.TypeAssertExpr:
		r.follow(bound{e.X, b.scope, 0}, level+1)
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			r.follow(bound{e.X, b.scope, 0}, level+1)
			return
		}
		r.list = append(r.list, b)
	case *ast.IndexExpr:
		if tv := p.info.Types[e.Index]; tv.IsType() { // an instance of a generic function
			r.follow(bound{e.X, b.scope, 0}, level+1)
			return
		}
		r.list = append(r.list, b)
	default:
		r.list = append(r.list, b)
	}
}

func (r *resolver) ident(b bound, e *ast.Ident, level int) {
	switch o := r.p.info.ObjectOf(e).(type) {
	case *types.Var:
		r.variable(b, o.Origin(), level)
	default:
		r.list = append(r.list, b)
	}
}

func (r *resolver) variable(b bound, v *types.Var, level int) {
	p := r.p
	if at, ok := p.params[v]; ok {
		r.param(b, v, at, level)
		return
	}
	if v.Pkg() == nil || !p.has(v.Pkg()) || p.embeds[v] != nil {
		r.list = append(r.list, b) // of another package: http.DefaultServeMux
		return
	}
	if p.escaped[v] || v.Exported() && !p.closed && isGlobalOrField(v) {
		r.complete = false
	}
	for _, a := range p.assigned[v] {
		if a.opaque {
			r.complete = false
			continue
		}
		r.follow(bound{a.expr, r.scopeFor(b.scope, v), a.result}, level+1)
	}
}

// scopeFor is the scope of the values of v: s if v is local, otherwise nil.
func (r *resolver) scopeFor(s *scope, v *types.Var) *scope {
	if isGlobalOrField(v) {
		return nil
	}
	return s
}

func isGlobalOrField(v *types.Var) bool {
	return v.IsField() || v.Parent() == nil || v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}

// has reports whether the source of a package is part of the program.
func (p *program) has(pkg *types.Package) bool {
	for _, o := range p.packages {
		if o.Types == pkg {
			return true
		}
	}
	return false
}

// param follows a parameter to the argument of the scope's call, or to the arguments of all calls.
func (r *resolver) param(b bound, v *types.Var, at param, level int) {
	p := r.p
	for _, a := range p.assigned[v] { // a parameter with another value
		if a.opaque {
			r.complete = false
			continue
		}
		r.follow(bound{a.expr, b.scope, a.result}, level+1)
	}
	for s := b.scope; s != nil; s = s.args {
		if s.function == at.function {
			r.argument(s.call, s.args, at, level)
			return
		}
	}
	calls, complete := p.callsOf(at.function)
	if !complete {
		r.complete = false
	}
	for _, c := range calls {
		r.argument(c.CallExpr, nil, at, level)
	}
}

func (r *resolver) argument(c *ast.CallExpr, s *scope, at param, level int) {
	switch {
	case at.variadic && c.Ellipsis == token.NoPos, at.index >= len(c.Args):
		r.complete = false // a list, from which readers of variadic parameters take the elements: see rest
	default:
		r.follow(bound{c.Args[at.index], s, 0}, level+1)
	}
}

// callsOf returns the calls of a function, and whether nothing else calls it.
func (p *program) callsOf(function ast.Node) (calls []call, complete bool) {
	switch f := function.(type) {
	case *ast.FuncDecl:
		o, ok := p.info.Defs[f.Name].(*types.Func)
		if !ok {
			return nil, false
		}
		complete = len(p.mentions[o]) == 0 && (p.closed || !o.Exported() && f.Recv == nil || !o.Exported() && !p.fulfils(o))
		if f.Recv != nil && p.fulfils(o) {
			complete = false
		}
		return p.calls[o], complete
	case *ast.FuncLit:
		v := p.closures[f]
		if v == nil || len(p.assigned[v]) != 1 || p.escaped[v] {
			return nil, false
		}
		calls = p.calls[v]
		return calls, len(calls) == p.usesOf(v)
	}
	return nil, false
}

// fulfils reports whether a method may be called through an interface.
func (p *program) fulfils(o *types.Func) bool {
	for _, s := range p.sites {
		id := calleeIdent(s.CallExpr)
		if id == nil || id.Name != o.Name() {
			continue
		}
		if f, ok := p.info.Uses[id].(*types.Func); ok && f != o && f.Signature().Recv() != nil && types.IsInterface(f.Signature().Recv().Type()) {
			return true
		}
	}
	return o.Name() == "ServeHTTP"
}

// usesOf counts the uses of a variable.
func (p *program) usesOf(v *types.Var) (n int) {
	for _, o := range p.info.Uses {
		if o == v {
			n++
		}
	}
	return n
}

func (r *resolver) call(b bound, e *ast.CallExpr, level int) {
	p := r.p
	if tv := p.info.Types[e.Fun]; tv.IsType() && len(e.Args) == 1 { // a conversion
		r.follow(bound{e.Args[0], b.scope, 0}, level+1)
		return
	}
	id := calleeIdent(e)
	var function ast.Node
	if id != nil {
		switch o := p.info.Uses[id].(type) {
		case *types.Func:
			if d := p.decls[o.Origin()]; d != nil && d.Body != nil {
				function = d
			}
		case *types.Var:
			if list := p.assigned[o]; len(list) == 1 && !p.escaped[o] {
				if lit, ok := ast.Unparen(list[0].expr).(*ast.FuncLit); ok {
					function = lit
				}
			}
		}
	}
	if function == nil || recursive(b.scope, function) {
		r.list = append(r.list, b)
		return
	}
	s := &scope{function, e, b.scope}
	for _, ret := range p.results[function] {
		switch {
		case b.result < len(ret.Results) && (len(ret.Results) > 1 || b.result == 0):
			if isNil(p.info, ret.Results[b.result]) {
				continue // beside an error
			}
			r.follow(bound{ret.Results[b.result], s, 0}, level+1)
		case len(ret.Results) == 1:
			r.follow(bound{ret.Results[0], s, b.result}, level+1)
		default:
			r.named(function, b.result, s, level)
		}
	}
}

// named follows a named result.
func (r *resolver) named(function ast.Node, result int, s *scope, level int) {
	t := funcType(function)
	i := 0
	for _, field := range t.Results.List {
		for _, name := range field.Names {
			if i == result {
				if v, ok := r.p.info.Defs[name].(*types.Var); ok {
					r.variable(bound{name, s, 0}, v, level)
				}
			}
			i++
		}
	}
}

func funcType(function ast.Node) *ast.FuncType {
	switch f := function.(type) {
	case *ast.FuncDecl:
		return f.Type
	case *ast.FuncLit:
		return f.Type
	}
	return nil
}

func recursive(s *scope, function ast.Node) bool {
	for ; s != nil; s = s.args {
		if s.function == function {
			return true
		}
	}
	return false
}

func isNil(info *types.Info, e ast.Expr) bool { return info.Types[e].IsNil() }

// word is a possible value of a string expression, and the literal in which it is written.
type word struct {
	text string
	at   ast.Expr
}

// strings returns the possible values of a string expression, and false if there may be others.
func (p *program) strings(b bound) (words []word, complete bool) {
	list, complete := p.resolve(b)
	for _, t := range list {
		if v := p.info.Types[t.expr].Value; v != nil && v.Kind() == constant.String {
			words = append(words, word{constant.StringVal(v), t.expr})
			continue
		}
		sum, ok := p.sum(t)
		words = append(words, sum...)
		complete = complete && ok
	}
	if len(list) == 0 && complete {
		words = append(words, word{"", b.expr}) // a variable without a value
	}
	return words, complete
}

// sum returns the possible values of a concatenation, or of a call of one of a few functions.
func (p *program) sum(b bound) (words []word, complete bool) {
	switch e := b.expr.(type) {
	case *ast.BinaryExpr:
		left, ok := p.strings(bound{e.X, b.scope, 0})
		right, ok2 := p.strings(bound{e.Y, b.scope, 0})
		if e.Op != token.ADD || len(left)*len(right) > 64 {
			return nil, false
		}
		for _, l := range left {
			for _, r := range right {
				words = append(words, word{l.text + r.text, b.expr})
			}
		}
		return words, ok && ok2
	case *ast.CallExpr:
		transform := map[string]func(string) string{"strings.ToLower": strings.ToLower, "strings.ToUpper": strings.ToUpper}[p.callee(e)]
		if transform == nil || len(e.Args) != 1 {
			return nil, false
		}
		list, ok := p.strings(bound{e.Args[0], b.scope, 0})
		for _, l := range list {
			words = append(words, word{transform(l.text), b.expr})
		}
		return words, ok
	}
	return nil, false
}

// text returns the value of a string expression, if it is constant.
func (p *program) text(b bound) (word, bool) {
	words, complete := p.strings(b)
	if !complete || len(words) == 0 {
		return word{at: b.expr}, false
	}
	for _, w := range words[1:] {
		if w.text != words[0].text {
			return word{at: b.expr}, false
		}
	}
	return words[0], true
}

// boolean returns the value of a bool, and false if it is not known.
func (p *program) boolean(b bound) (value, known bool) {
	list, complete := p.resolve(b)
	if !complete || len(list) != 1 {
		return false, false
	}
	v := p.info.Types[list[0].expr].Value
	if v == nil || v.Kind() != constant.Bool {
		return false, false
	}
	return constant.BoolVal(v), true
}

// elements returns the elements of a list: of a slice literal, of append, or of a variable to which
// these are assigned. It is not complete if there may be others, and not sure if some may be
// absent.
func (p *program) elements(b bound) (list []bound, complete, sure bool) {
	if id, ok := ast.Unparen(b.expr).(*ast.Ident); ok {
		if v, ok := p.info.ObjectOf(id).(*types.Var); ok {
			if at, ok := p.params[v.Origin()]; ok && at.variadic {
				return p.rest(b, at)
			}
		}
	}
	values, complete := p.resolve(b)
	bases := 0
	sure = true
	for _, t := range values {
		if e, ok := t.expr.(*ast.CallExpr); !ok || !p.growing(e) {
			bases++
		} else if p.branches[e] {
			sure = false
		}
	}
	sure = sure && bases <= 1
	for _, t := range values {
		switch e := t.expr.(type) {
		case *ast.CompositeLit:
			for _, elt := range e.Elts {
				if kv, ok := elt.(*ast.KeyValueExpr); ok {
					elt = kv.Value
				}
				list = append(list, bound{elt, t.scope, 0})
			}
		case *ast.CallExpr:
			more, ok, certain := p.appended(t, e)
			list, complete, sure = append(list, more...), complete && ok, sure && certain
		case *ast.Ident:
			complete = complete && isNil(p.info, e)
		default:
			complete = false
		}
	}
	return list, complete, sure
}

// rest returns the arguments for a variadic parameter.
func (p *program) rest(b bound, at param) (list []bound, complete, sure bool) {
	for s := b.scope; s != nil; s = s.args {
		if s.function == at.function {
			return p.arguments(s.call, s.args, at.index)
		}
	}
	calls, complete := p.callsOf(at.function)
	for _, c := range calls {
		more, ok, _ := p.arguments(c.CallExpr, nil, at.index)
		list, complete = append(list, more...), complete && ok
	}
	return list, complete, len(calls) == 1
}

// arguments returns the arguments of a call from an index on.
func (p *program) arguments(c *ast.CallExpr, s *scope, from int) (list []bound, complete, sure bool) {
	if from >= len(c.Args) {
		return nil, true, true
	}
	if c.Ellipsis != token.NoPos {
		return p.elements(bound{c.Args[len(c.Args)-1], s, 0})
	}
	for _, a := range c.Args[from:] {
		list = append(list, bound{a, s, 0})
	}
	return list, true, true
}

// appended returns the elements of append(list, more...). The elements of list may be known
// already.
func (p *program) appended(b bound, e *ast.CallExpr) (list []bound, complete, sure bool) {
	id, ok := ast.Unparen(e.Fun).(*ast.Ident)
	switch {
	case ok && p.info.Uses[id] == types.Universe.Lookup("append"):
	case p.callee(e) == "slices.Concat":
		complete, sure = true, true
		for _, a := range e.Args {
			more, ok, certain := p.elements(bound{a, b.scope, 0})
			list, complete, sure = append(list, more...), complete && ok, sure && certain
		}
		return list, complete, sure
	default:
		return nil, false, false
	}
	complete, sure = true, true
	if base := p.variable(e.Args[0]); base == nil || !p.appendsTo(base, e) {
		list, complete, sure = p.elements(bound{e.Args[0], b.scope, 0})
	}
	more, ok, certain := p.arguments(e, b.scope, 1)
	return append(list, more...), complete && ok, sure && certain
}

// growing reports whether the call is x = append(x, …).
func (p *program) growing(e *ast.CallExpr) bool {
	if len(e.Args) == 0 {
		return false
	}
	v := p.variable(e.Args[0])
	return v != nil && p.appendsTo(v, e)
}

// appendsTo reports whether the call is the value of an assignment to v: x = append(x, …), where
// the first x comes from the other assignments to x.
func (p *program) appendsTo(v *types.Var, e *ast.CallExpr) bool {
	for _, a := range p.assigned[v] {
		if ast.Unparen(a.expr) == ast.Expr(e) {
			return true
		}
	}
	return false
}

// field returns the value of a field of a struct literal. It returns false if the literal does not
// have it.
func (p *program) field(lit *ast.CompositeLit, name string) (ast.Expr, bool) {
	s, _ := p.info.TypeOf(lit).Underlying().(*types.Struct)
	for i, e := range lit.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok && id.Name == name {
				return kv.Value, true
			}
		} else if s != nil && i < s.NumFields() && s.Field(i).Name() == name {
			return e, true
		}
	}
	return nil, false
}
