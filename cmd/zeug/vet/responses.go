package vet

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// checkResponses reports responses that are dropped, errors of setters that are dropped, mounts
// that break URLs, and header fields that are set too late.
func (p *program) checkResponses() {
	for _, pkg := range p.packages {
		for _, f := range pkg.Files {
			if strings.HasSuffix(p.fset.Position(f.Package).Filename, "_test.go") {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.BlockStmt:
					p.checkStatements(n.List)
				case *ast.CaseClause:
					p.checkStatements(n.Body)
				case *ast.CommClause:
					p.checkStatements(n.Body)
				case *ast.CallExpr:
					p.checkStripPrefix(n)
					p.checkRewriteLocation(n)
				}
				return true
			})
		}
	}
}

func (p *program) checkStatements(list []ast.Stmt) {
	sent := map[types.Object]bool{} // writers whose status is sent
	for _, s := range list {
		p.checkLateHeader(s, sent)
		switch s := s.(type) {
		case *ast.ExprStmt:
			if c, ok := s.X.(*ast.CallExpr); ok {
				p.checkDropped(c)
			}
		case *ast.AssignStmt:
			p.checkUnsent(s)
		}
	}
}

// isResponse reports whether a type is *wrappers.Response.
func isResponse(t types.Type) bool {
	ptr, ok := types.Unalias(t).(*types.Pointer)
	return ok && isNamed(ptr, zeugModule+"/wrappers", "Response")
}

// checkDropped reports a response, or an error of a setter, that a statement drops.
func (p *program) checkDropped(c *ast.CallExpr) {
	name := p.zeugName(c)
	if name == "" {
		return
	}
	switch t := p.info.TypeOf(c).(type) {
	case *types.Tuple:
		if t.Len() == 2 && isResponse(t.At(0).Type()) {
			p.report(c, Responses, "the response of %s is neither returned nor served", name)
		}
	default:
		switch {
		case t == nil:
		case isResponse(t) && !strings.Contains(strings.TrimPrefix(name, "wrappers."), "Response."):
			p.report(c, Responses, "the response of %s is neither returned nor served", name)
		case types.Identical(t, types.Universe.Lookup("error").Type()) && strings.HasPrefix(name, "wrappers.Response.Set"):
			p.report(c, Responses, "the error of %s is dropped, so that the response may lack what was set", strings.TrimPrefix(name, "wrappers."))
		}
	}
}

// checkUnsent reports a variable with a response that is changed and never used.
func (p *program) checkUnsent(s *ast.AssignStmt) {
	if len(s.Rhs) != 1 || s.Tok.String() != ":=" {
		return
	}
	c, ok := ast.Unparen(s.Rhs[0]).(*ast.CallExpr)
	if !ok || p.zeugName(c) == "" {
		return
	}
	id, ok := s.Lhs[0].(*ast.Ident)
	if !ok {
		return
	}
	v, ok := p.info.Defs[id].(*types.Var)
	if !ok || !isResponse(v.Type()) || p.leaves(v) {
		return
	}
	p.report(id, Responses, "the response %s is neither returned nor served", id.Name)
}

// leaves reports whether a response is used by more than its setters.
func (p *program) leaves(v *types.Var) bool {
	if p.inner == nil {
		p.inner = map[*ast.Ident]bool{}
		for _, pkg := range p.packages {
			for _, f := range pkg.Files {
				ast.Inspect(f, func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok {
						if id, ok := ast.Unparen(s.X).(*ast.Ident); ok && setter(s.Sel.Name) {
							p.inner[id] = true
						}
					}
					return true
				})
			}
		}
	}
	for id, o := range p.info.Uses {
		if o == v && !p.inner[id] {
			return true
		}
	}
	return false
}

// setter reports whether a method or field of a response only changes it.
func setter(name string) bool {
	return strings.HasPrefix(name, "Set") || name == "Header" || name == "Status" || name == "Write" || name == "WriteString"
}

// checkLateHeader reports a header field that is set after WriteHeader. Informational statuses and
// trailers may come before fields.
func (p *program) checkLateHeader(s ast.Stmt, sent map[types.Object]bool) {
	e, ok := s.(*ast.ExprStmt)
	if !ok {
		return
	}
	c, ok := e.X.(*ast.CallExpr)
	if !ok {
		return
	}
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	if w := p.writer(sel.X); w != nil && sel.Sel.Name == "WriteHeader" && len(c.Args) == 1 {
		v := p.info.Types[c.Args[0]].Value
		if v != nil {
			if n, ok := constant.Int64Val(v); ok && n >= 200 {
				sent[w] = true
			}
		}
		return
	}
	header, ok := ast.Unparen(sel.X).(*ast.CallExpr)
	if !ok || p.callee(c) != "(net/http.Header).Set" && p.callee(c) != "(net/http.Header).Add" && p.callee(c) != "(net/http.Header).Del" {
		return
	}
	of, ok := header.Fun.(*ast.SelectorExpr)
	if !ok || of.Sel.Name != "Header" {
		return
	}
	if w := p.writer(of.X); w == nil || !sent[w] || p.hasTrailers() {
		return
	}
	p.report(c, Responses, "this header field is set after WriteHeader, so that it is not sent")
}

// writer returns the variable that an expression names, if its type is
// http.ResponseWriter.
func (p *program) writer(e ast.Expr) types.Object {
	id, ok := ast.Unparen(e).(*ast.Ident)
	if !ok {
		return nil
	}
	v, ok := p.info.Uses[id].(*types.Var)
	if !ok || !isNamed(v.Type(), "net/http", "ResponseWriter") {
		return nil
	}
	return v
}

// hasTrailers reports whether the program sends trailers.
func (p *program) hasTrailers() bool {
	for e, tv := range p.info.Types {
		if tv.Value == nil || tv.Value.Kind() != constant.String {
			continue
		}
		if lit, ok := e.(*ast.BasicLit); ok && strings.Contains(strings.ToLower(lit.Value), "trailer") {
			return true
		}
	}
	for id := range p.info.Uses {
		if id.Name == "TrailerPrefix" {
			return true
		}
	}
	return false
}
