package vet

import (
	"go/ast"
	"go/types"
)

// entry is a key of a map and its value.
type entry struct {
	key   word
	value bound
	sure  bool // the only value of the key
}

// entries returns the entries of a map: of a literal, of m[key] = value, and of maps.Copy. literals are the
// literals that make it. It is not complete if there may be others.
func (p *program) entries(b bound) (entries []entry, literals []*ast.CompositeLit, complete bool) {
	values, complete := p.resolve(b)
	sure := len(values) == 1
	for _, v := range values {
		switch e := v.expr.(type) {
		case *ast.CompositeLit:
			literals = append(literals, e)
			for _, elt := range e.Elts {
				kv, ok := elt.(*ast.KeyValueExpr)
				if !ok {
					complete = false
					continue
				}
				complete = p.entry(&entries, kv.Key, kv.Value, v.scope, sure) && complete
			}
		case *ast.Ident:
			complete = complete && isNil(p.info, e)
		case *ast.CallExpr:
			if id, ok := e.Fun.(*ast.Ident); !ok || p.info.Uses[id] != types.Universe.Lookup("make") {
				complete = false
			}
		default:
			complete = false
		}
	}
	return entries, literals, p.changes(b, &entries, 0) && complete
}

func (p *program) entry(entries *[]entry, key, value ast.Expr, s *scope, sure bool) bool {
	keys, ok := p.strings(bound{key, s, 0})
	for _, k := range keys {
		*entries = append(*entries, entry{k, bound{value, s, 0}, sure && len(keys) == 1})
	}
	return ok
}

// changes adds the entries that statements add to the map of a variable. It returns false if the variable is
// passed to something that may add others.
func (p *program) changes(b bound, entries *[]entry, level int) (complete bool) {
	v := p.variable(b.expr)
	if v == nil || level > depth {
		return true
	}
	complete = true
	for _, k := range p.keyed[v] {
		complete = p.entry(entries, k.key, k.value, b.scope, false) && complete
	}
	if !isGlobalOrField(v) && p.passedOn(v) {
		complete = false
	}
	if isGlobalOrField(v) && (v.Exported() && !p.closed || p.passedOn(v)) {
		complete = false
	}
	for _, c := range p.copies {
		if p.variable(c.Args[0]) == v {
			more, _, ok := p.entries(bound{c.Args[1], b.scope, 0})
			for _, e := range more {
				e.sure = false
				*entries = append(*entries, e)
			}
			complete = complete && ok
		}
	}
	if at, ok := p.params[v]; ok { // the map of the caller
		for s := b.scope; s != nil; s = s.args {
			if s.function == at.function && at.index < len(s.call.Args) {
				return p.changes(bound{s.call.Args[at.index], s.args, 0}, entries, level+1) && complete
			}
		}
	}
	for _, a := range p.assigned[v] {
		if _, ok := ast.Unparen(a.expr).(*ast.Ident); ok {
			complete = p.changes(bound{a.expr, b.scope, 0}, entries, level+1) && complete
		}
	}
	return complete
}

// passedOn reports whether a map is an argument of a function that may change it.
func (p *program) passedOn(v *types.Var) (passed bool) {
	if known, ok := p.passed[v]; ok {
		return known
	}
	p.passed[v] = false // for functions that call themselves
	defer func() { p.passed[v] = passed }()
	for _, c := range p.sites {
		for i, a := range c.Args {
			if p.variable(a) != v {
				continue
			}
			if !p.onlyReads(c.CallExpr, i) {
				return true
			}
		}
	}
	return false
}

// onlyReads reports whether a function only reads a map that is its argument.
func (p *program) onlyReads(c *ast.CallExpr, i int) bool {
	if p.zeugName(c) != "" {
		return true
	}
	switch p.callee(c) {
	case "maps.Copy", "maps.Keys", "maps.Values", "maps.Clone": // changes follows maps.Copy
		return true
	case "":
		id, ok := ast.Unparen(c.Fun).(*ast.Ident)
		if !ok {
			return false
		}
		_, builtin := p.info.Uses[id].(*types.Builtin)
		return builtin
	}
	id := calleeIdent(c)
	f, ok := p.info.Uses[id].(*types.Func)
	if !ok {
		return false
	}
	d := p.decls[f.Origin()]
	if d == nil {
		return false
	}
	for v, at := range p.params { // a function of the program
		if at.function == ast.Node(d) && at.index == i {
			return len(p.keyed[v]) == 0 && !p.passedOn(v)
		}
	}
	return true
}
