package inspect

import (
	"go/ast"
	"go/token"
	"go/types"
)

// loopChanges is what the body of a loop changes that was declared outside of it.
type loopChanges struct {
	*activation
	loop *ast.RangeStmt
	// operators has the operator by which each variable is changed, and names is where that is done.
	operators map[types.Object]token.Token
	names     map[*ast.Ident]bool
	ordered   bool // the order of the iterations may matter
}

// changedInside reports whether the body of a loop changes variables that were declared outside of it.
// It returns false for ok if the order of the iterations may matter for that.
func (a *activation) changedInside(s *ast.RangeStmt) (changed, ok bool) {
	if s.Tok == token.ASSIGN {
		return true, false // the variables of the loop keep their last values
	}
	l := &loopChanges{activation: a, loop: s, operators: map[types.Object]token.Token{}, names: map[*ast.Ident]bool{}}
	ast.Inspect(s.Body, l.visit)
	ast.Inspect(s.Body, func(n ast.Node) bool {
		if name, isName := n.(*ast.Ident); isName && l.operators[a.ObjectOf(name)] != 0 && !l.names[name] {
			l.ordered = true // it reads what another iteration has changed
		}
		return true
	})
	return len(l.operators) > 0, !l.ordered
}

// visit notes what a statement changes.
func (l *loopChanges) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, x := range n.Lhs {
			l.change(x, n.Tok)
		}
	case *ast.IncDecStmt:
		l.change(n.X, token.ADD_ASSIGN)
	case *ast.RangeStmt:
		l.ordered = l.ordered || n.Tok == token.ASSIGN
	case *ast.UnaryExpr:
		l.ordered = l.ordered || n.Op == token.AND // errors.As assigns through it
	case *ast.ReturnStmt:
		l.ordered = l.ordered || len(n.Results) == 0 && l.types.Results().Len() > 0 // it reads the named results
	}
	return true
}

// change notes an assignment. Changes of an integer by one operator give the same in any order, but
// n += v and n |= v do not commute.
func (l *loopChanges) change(x ast.Expr, op token.Token) {
	name, isName := ast.Unparen(x).(*ast.Ident)
	if !isName {
		l.ordered = true
		return
	}
	object := l.ObjectOf(name)
	if name.Name == "_" || object == nil || l.loop.Pos() <= object.Pos() && object.Pos() < l.loop.Body.End() {
		return
	}
	switch op {
	case token.SUB_ASSIGN:
		op = token.ADD_ASSIGN
	case token.ADD_ASSIGN, token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN:
	default:
		l.ordered = true
	}
	basic, isBasic := object.Type().Underlying().(*types.Basic)
	before := l.operators[object]
	if !isBasic || basic.Info()&types.IsInteger == 0 || before != 0 && before != op {
		l.ordered = true
	}
	l.operators[object], l.names[name] = op, true
}
