package vet

import (
	"go/ast"
	"go/types"
)

// A function often wraps another one, and the arguments of its callers decide:
//
//	func page(req *zeug.Request, name string, context map[string]any) … {
//		return req.Render(name, context)
//	}
//
// Such a use is checked once for each call of the function, with the name and the context of the same
// call. A scope is such a call, or a chain of calls.

// mostScopes bounds how many chains of calls are looked at for one use.
const mostScopes = 500

// scopesOf returns the calls that give the expressions their values: nil if they do not depend on
// parameters. It is not complete if there may be other calls.
func (p *program) scopesOf(exprs []ast.Expr, level int) (scopes []*scope, complete bool) {
	var owner ast.Node
	for _, e := range exprs {
		if owner = p.dependsOn(e, 0); owner != nil {
			break
		}
	}
	if owner == nil {
		return []*scope{nil}, true
	}
	calls, complete := p.callsOf(owner)
	if level > 4 {
		return nil, false
	}
	for _, c := range calls {
		outer, ok := p.scopesOf(c.Args, level+1)
		complete = complete && ok
		for _, s := range outer {
			if recursive(s, owner) {
				continue
			}
			scopes = append(scopes, &scope{owner, c.CallExpr, s})
		}
		if len(scopes) > mostScopes {
			return scopes[:mostScopes], false
		}
	}
	return scopes, complete
}

// dependsOn returns the function whose parameters an expression depends on. Requests and other values that
// cannot hold a name do not count.
func (p *program) dependsOn(e ast.Expr, level int) (owner ast.Node) {
	if level > 4 || e == nil {
		return nil
	}
	ast.Inspect(e, func(n ast.Node) bool {
		if owner != nil {
			return false
		}
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.Ident:
			v, ok := p.info.Uses[n].(*types.Var)
			if !ok || v.IsField() || !mayHoldNames(v.Type()) {
				return true
			}
			if at, ok := p.params[v]; ok {
				owner = at.function
				return false
			}
			if isGlobalOrField(v) {
				return true
			}
			for _, a := range p.assigned[v] {
				if owner = p.dependsOn(a.expr, level+1); owner != nil {
					return false
				}
			}
		}
		return true
	})
	return owner
}

// mayHoldNames reports whether a value of the type may be a name, a list of names and values, a context,
// or options.
func mayHoldNames(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Basic:
		return t.Info()&types.IsString != 0
	case *types.Slice, *types.Map:
		return true
	case *types.Interface:
		return t.Empty()
	}
	return false
}
