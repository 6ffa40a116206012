package inspect

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strings"
)

// The statements of a function that is interpreted. Variables of the function alone are assigned to.

func (a *activation) block(list []ast.Stmt) (outcome, error) {
	for _, s := range list {
		if end, err := a.statement(s, ""); err != nil || end.kind != 0 {
			return end, err
		}
	}
	return outcome{}, nil
}

// statement runs a statement, which may have a label.
func (a *activation) statement(s ast.Stmt, label string) (outcome, error) {
	if err := a.step(); err != nil {
		return outcome{}, err
	}
	switch s := s.(type) {
	case *ast.EmptyStmt:
		return outcome{}, nil
	case *ast.BlockStmt:
		return a.block(s.List)
	case *ast.LabeledStmt:
		end, err := a.statement(s.Stmt, s.Label.Name)
		if end.kind == token.BREAK && end.label == s.Label.Name {
			end = outcome{}
		}
		return end, err
	case *ast.BranchStmt:
		return a.branch(s)
	case *ast.ReturnStmt:
		return a.returns(s)
	case *ast.IfStmt:
		return a.choose(s)
	case *ast.ForStmt:
		return a.loop(s, label)
	case *ast.RangeStmt:
		return a.rangeLoop(s, label)
	case *ast.SwitchStmt:
		return a.switches(s)
	case *ast.TypeSwitchStmt:
		return a.typeSwitch(s)
	}
	return outcome{}, a.simple(s)
}

// simple runs a statement that has no statements in it.
func (a *activation) simple(s ast.Stmt) error {
	switch s := s.(type) {
	case *ast.AssignStmt:
		return a.assign(s)
	case *ast.IncDecStmt:
		op := token.ADD
		if s.Tok == token.DEC {
			op = token.SUB
		}
		return a.change(s.X, op, operand{constant: oneConstant, kind: "int"})
	case *ast.DeclStmt:
		return a.declare(s)
	case *ast.ExprStmt:
		return a.effect(s.X, false)
	case *ast.DeferStmt:
		return a.effect(s.Call, true)
	}
	return a.at(s, "a statement of this form is not known here")
}

func (a *activation) branch(s *ast.BranchStmt) (outcome, error) {
	if s.Tok != token.BREAK && s.Tok != token.CONTINUE {
		return outcome{}, a.at(s, "%s is not known here", s.Tok)
	}
	end := outcome{kind: s.Tok}
	if s.Label != nil {
		end.label = s.Label.Name
	}
	return end, nil
}

func (a *activation) returns(s *ast.ReturnStmt) (outcome, error) {
	results := a.types.Results()
	var values []operand
	if len(s.Results) == 0 {
		for result := range results.Variables() {
			value, ok := a.variables[result]
			if !ok {
				return outcome{}, a.at(s, "a result has no name")
			}
			values = append(values, value)
		}
	} else {
		list, err := a.values(s.Results, results.Len())
		if err != nil {
			return outcome{}, err
		}
		values = list
	}
	a.returned = nil
	for i, value := range values {
		value, err := a.assigned(value, results.At(i).Type())
		if err != nil {
			return outcome{}, err
		}
		a.returned = append(a.returned, value)
	}
	return outcome{kind: token.RETURN}, nil
}

// values evaluates expressions, or one call with several results.
func (a *activation) values(list []ast.Expr, want int) ([]operand, error) {
	if len(list) == 1 && want != 1 {
		o, err := a.several(list[0])
		if err != nil {
			return nil, err
		}
		if len(o) != want {
			return nil, a.at(list[0], "%d values are expected", want)
		}
		return o, nil
	}
	var values []operand
	for _, x := range list {
		o, err := a.eval(x)
		if err != nil {
			return nil, err
		}
		values = append(values, o)
	}
	return values, nil
}

// several evaluates a call with several results, or an expression that also says whether there is a value.
func (a *activation) several(x ast.Expr) ([]operand, error) {
	yes := func(ok bool) operand { return operand{typ: "bool", native: reflect.ValueOf(ok)} }
	switch x := ast.Unparen(x).(type) {
	case *ast.IndexExpr:
		o, found, err := a.entry(x)
		return []operand{o, yes(found)}, err
	case *ast.TypeAssertExpr:
		o, ok, err := a.asserted(x, x.Type)
		return []operand{o, yes(ok)}, err
	case *ast.CallExpr:
		o, err := a.call(x)
		return o.list, err
	}
	return nil, a.at(x, "an expression of this form has no two values that are known here")
}

func (a *activation) choose(s *ast.IfStmt) (outcome, error) {
	if s.Init != nil {
		if err := a.simple(s.Init); err != nil {
			return outcome{}, err
		}
	}
	yes, err := a.condition(s.Cond)
	switch {
	case err != nil:
		return outcome{}, err
	case yes:
		return a.block(s.Body.List)
	case s.Else != nil:
		return a.statement(s.Else, "")
	}
	return outcome{}, nil
}

func (a *activation) condition(x ast.Expr) (bool, error) {
	o, err := a.eval(x)
	if err == nil && (!o.native.IsValid() || o.native.Kind() != reflect.Bool) {
		err = a.at(x, "the condition is not known")
	}
	if err != nil {
		return false, err
	}
	return o.native.Bool(), nil
}

func (a *activation) loop(s *ast.ForStmt, label string) (outcome, error) {
	if s.Init != nil {
		if err := a.simple(s.Init); err != nil {
			return outcome{}, err
		}
	}
	for {
		if err := a.step(); err != nil {
			return outcome{}, err
		}
		if s.Cond != nil {
			yes, err := a.condition(s.Cond)
			if err != nil || !yes {
				return outcome{}, err
			}
		}
		end, err := a.block(s.Body.List)
		if err != nil {
			return end, err
		}
		if end, leave := afterBody(end, label); leave {
			return end, nil
		}
		if s.Post != nil {
			if err := a.simple(s.Post); err != nil {
				return outcome{}, err
			}
		}
	}
}

// afterBody says whether a loop with a label ends after its body has ended, and how.
func afterBody(end outcome, label string) (outcome, bool) {
	mine := end.label == "" || end.label == label
	switch {
	case end.kind == 0, end.kind == token.CONTINUE && mine:
		return outcome{}, false
	case end.kind == token.BREAK && mine:
		return outcome{}, true
	}
	return end, true
}

func (a *activation) switches(s *ast.SwitchStmt) (outcome, error) {
	if s.Init != nil {
		if err := a.simple(s.Init); err != nil {
			return outcome{}, err
		}
	}
	var tag operand
	if s.Tag != nil {
		o, err := a.eval(s.Tag)
		if err != nil {
			return outcome{}, err
		}
		tag = o
	}
	var chosen *ast.CaseClause
	for _, clause := range s.Body.List {
		clause := clause.(*ast.CaseClause)
		if clause.List == nil {
			continue // the default comes last, wherever it stands
		}
		yes, err := a.matches(s.Tag, tag, clause.List)
		if err != nil {
			return outcome{}, err
		}
		if yes {
			chosen = clause
			break
		}
	}
	return a.clause(s.Body, chosen)
}

// matches reports whether a value is one of those in a case.
func (a *activation) matches(tag ast.Expr, value operand, list []ast.Expr) (bool, error) {
	for _, x := range list {
		var yes bool
		var err error
		if tag == nil {
			yes, err = a.condition(x)
		} else {
			var o operand
			if o, err = a.eval(x); err == nil {
				yes, err = a.equal(value, o, tag, x)
			}
		}
		if err != nil || yes {
			return yes, err
		}
	}
	return false, nil
}

// clause runs the statements of the chosen case, or of the default.
func (a *activation) clause(body *ast.BlockStmt, chosen *ast.CaseClause) (outcome, error) {
	if chosen == nil {
		for _, clause := range body.List {
			if clause := clause.(*ast.CaseClause); clause.List == nil {
				chosen = clause
			}
		}
	}
	if chosen == nil {
		return outcome{}, nil
	}
	end, err := a.block(chosen.Body)
	if end.kind == token.BREAK && end.label == "" {
		end = outcome{}
	}
	return end, err
}

func (a *activation) typeSwitch(s *ast.TypeSwitchStmt) (outcome, error) {
	if s.Init != nil {
		if err := a.simple(s.Init); err != nil {
			return outcome{}, err
		}
	}
	var x *ast.TypeAssertExpr
	switch s := s.Assign.(type) {
	case *ast.ExprStmt:
		x, _ = s.X.(*ast.TypeAssertExpr)
	case *ast.AssignStmt:
		x, _ = s.Rhs[0].(*ast.TypeAssertExpr)
	}
	if x == nil {
		return outcome{}, a.at(s, "a type switch of this form is not known here")
	}
	value, err := a.eval(x.X)
	if err != nil {
		return outcome{}, err
	}
	var chosen *ast.CaseClause
	bound := value
	for _, clause := range s.Body.List {
		clause := clause.(*ast.CaseClause)
		for _, typ := range clause.List {
			held, ok, err := a.assertedValue(value, a.TypeOf(typ), x)
			if err != nil {
				return outcome{}, err
			}
			if ok {
				chosen = clause
				if len(clause.List) == 1 && a.TypeOf(typ) != types.Typ[types.UntypedNil] {
					bound = held
				}
				break
			}
		}
		if chosen != nil {
			break
		}
	}
	for _, clause := range s.Body.List { // the variable of the case, or of the default
		if clause := clause.(*ast.CaseClause); clause == chosen || chosen == nil && clause.List == nil {
			if object := a.Implicits[clause]; object != nil {
				delete(a.pinned, object)
				a.variables[object] = bound
			}
		}
	}
	return a.clause(s.Body, chosen)
}

func (a *activation) declare(s *ast.DeclStmt) error {
	decl, ok := s.Decl.(*ast.GenDecl)
	if !ok || decl.Tok == token.TYPE {
		return a.at(s, "a type inside a function is not known here")
	}
	if decl.Tok == token.CONST {
		return nil // the checker has put its value where it is used
	}
	for _, spec := range decl.Specs {
		spec := spec.(*ast.ValueSpec)
		var values []operand
		if len(spec.Values) > 0 {
			list, err := a.values(spec.Values, len(spec.Names))
			if err != nil {
				return err
			}
			values = list
		}
		for i, name := range spec.Names {
			object := a.Defs[name]
			if object == nil || name.Name == "_" {
				continue
			}
			delete(a.pinned, object)
			value, err := a.zeroOr(values, i, object.Type())
			if err == nil {
				err = a.set(s, object, value)
			}
			if err != nil {
				return a.placed(s, err)
			}
		}
	}
	return nil
}

func (a *activation) zeroOr(values []operand, i int, t types.Type) (operand, error) {
	if values == nil {
		return a.zero(t)
	}
	return values[i], nil
}

func (a *activation) assign(s *ast.AssignStmt) error {
	if s.Tok != token.ASSIGN && s.Tok != token.DEFINE {
		value, err := a.eval(s.Rhs[0])
		if err != nil {
			return err
		}
		return a.change(s.Lhs[0], assignOperators[s.Tok], value)
	}
	var places []place
	for _, x := range s.Lhs {
		p, err := a.place(x)
		if err != nil {
			return err
		}
		places = append(places, p)
	}
	values, err := a.values(s.Rhs, len(s.Lhs))
	if err != nil {
		return err
	}
	for i, p := range places {
		if err := a.store(p, values[i]); err != nil {
			return err
		}
	}
	return nil
}

// place is what a statement assigns to: a variable of the function, an item of a slice of its own, or _.
type place struct {
	at     ast.Expr
	object types.Object // nil for an item and for _
	list   operand
	index  int64
	elem   types.Type // nil for a variable and for _
}

func (a *activation) place(x ast.Expr) (p place, err error) {
	p.at = x
	index, ok := ast.Unparen(x).(*ast.IndexExpr)
	if !ok {
		p.object, err = a.local(x)
		if name, ok := ast.Unparen(x).(*ast.Ident); ok && a.Defs[name] != nil {
			delete(a.pinned, p.object)
		}
		return p, err
	}
	slice, ok := a.TypeOf(index.X).Underlying().(*types.Slice)
	if !ok {
		return p, a.at(x, "it changes something outside of the function")
	}
	if p.list, err = a.eval(index.X); err != nil {
		return p, err
	}
	at, err := a.eval(index.Index)
	if err != nil {
		return p, err
	}
	if p.index, ok = at.integer(); !ok {
		return p, a.at(x, "the index is not known")
	}
	p.elem = slice.Elem()
	return p, nil
}

func (a *activation) store(p place, value operand) error {
	switch {
	case p.object != nil:
		return a.set(p.at, p.object, value)
	case p.elem == nil:
		return nil
	}
	value, err := a.assigned(value, p.elem)
	if err != nil {
		return a.placed(p.at, err)
	}
	return a.setItem(p.at, p.list, p.index, value)
}

// local is the variable of the function that an expression names; nil for _.
func (a *activation) local(x ast.Expr) (types.Object, error) {
	name, ok := ast.Unparen(x).(*ast.Ident)
	if ok && name.Name == "_" {
		return nil, nil
	}
	if ok {
		object := a.ObjectOf(name)
		if v, ok := object.(*types.Var); ok && (a.Defs[name] != nil || a.isLocal(v)) {
			return v, nil
		}
	}
	return nil, a.at(x, "it changes something outside of the function")
}

func (a *activation) isLocal(v types.Object) bool {
	_, ok := a.variables[v]
	return ok
}

// assignOperators maps the operators that also assign to those that compute.
var assignOperators = map[token.Token]token.Token{
	token.ADD_ASSIGN: token.ADD, token.SUB_ASSIGN: token.SUB, token.MUL_ASSIGN: token.MUL, token.QUO_ASSIGN: token.QUO, token.REM_ASSIGN: token.REM,
	token.AND_ASSIGN: token.AND, token.OR_ASSIGN: token.OR, token.XOR_ASSIGN: token.XOR, token.SHL_ASSIGN: token.SHL, token.SHR_ASSIGN: token.SHR, token.AND_NOT_ASSIGN: token.AND_NOT,
}

// change applies an operator to a variable of the function.
func (a *activation) change(x ast.Expr, op token.Token, by operand) error {
	p, err := a.place(x)
	if err != nil {
		return err
	}
	var before operand
	switch {
	case p.object != nil:
		before = a.variables[p.object]
	case p.elem == nil:
		return a.at(x, "an operator needs a variable")
	default:
		if before, err = a.item(p.list, p.index); err != nil {
			return a.placed(x, err)
		}
	}
	value, err := a.compute(op, before, by)
	if err != nil {
		return err
	}
	return a.store(p, value)
}

// effect runs a call whose result is not used. A function that is interpreted can change only what functions
// that are interpreted have made. A deferred call runs later, so only locks are known there: they change
// nothing that a result depends on.
func (a *activation) effect(x ast.Expr, deferred bool) error {
	call, ok := ast.Unparen(x).(*ast.CallExpr)
	if !ok {
		return a.at(x, "a statement of this form is not known here")
	}
	selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if ok && a.Selections[selector] != nil && len(call.Args) == 0 && strings.HasSuffix(selector.Sel.Name, "ock") {
		return a.lockCall(x, selector, a.Selections[selector])
	}
	if deferred {
		return a.at(x, "a deferred call may change something")
	}
	_, err := a.call(call)
	return err
}

// lockCall checks a call of a method of a lock.
func (a *activation) lockCall(x ast.Expr, selector *ast.SelectorExpr, selection *types.Selection) error {
	o, err := a.eval(selector.X)
	if err != nil {
		return err
	}
	t := selection.Recv()
	for _, index := range selection.Index()[:len(selection.Index())-1] {
		if o, t, err = a.fieldAt(o, t, index); err != nil {
			return err
		}
	}
	if o, err = a.pointed(o); err != nil {
		return err
	}
	if o.core != nil {
		if known, err := a.lock(o.core, selector.Sel.Name); known || err != nil {
			return err
		}
	}
	return a.at(x, "a call whose result is not used may change something")
}
