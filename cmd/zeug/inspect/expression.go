package inspect

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"reflect"

	"github.com/go-delve/delve/pkg/proc"
)

// The parts of an expression without its calls: names, fields, items, and operators that need the
// evaluation. Values of the program are read by Delve, from an expression that has their address.

func literal(x *ast.BasicLit) (operand, error) {
	kinds := map[token.Token]string{token.INT: "int", token.FLOAT: "float64", token.CHAR: "rune", token.STRING: "string"}
	c := constant.MakeFromLiteral(x.Value, x.Kind, 0)
	if kinds[x.Kind] == "" || c.Kind() == constant.Unknown {
		return operand{}, unknown("%s cannot be used with calls", x.Value)
	}
	return operand{constant: c, kind: kinds[x.Kind]}, nil
}

// name evaluates a name alone.
func (e *evaluation) name(x *ast.Ident) (operand, error) {
	o, err := e.read(x.Name)
	if err != nil {
		switch x.Name {
		case "true", "false":
			return operand{constant: constant.MakeBool(x.Name == "true"), kind: "bool"}, nil
		case "nil":
			return operand{null: true}, nil
		}
	}
	return o, err
}

func (e *evaluation) binary(x *ast.BinaryExpr) (operand, error) {
	left, err := e.eval(x.X)
	if err != nil {
		return left, err
	}
	if x.Op == token.LAND || x.Op == token.LOR {
		return e.logical(x, left)
	}
	right, err := e.eval(x.Y)
	if err != nil {
		return right, err
	}
	if (x.Op == token.EQL || x.Op == token.NEQ) && (left.isReference() || right.isReference()) {
		same, err := e.same(left, right, left.isInterface(), right.isInterface() || right.null && left.isInterface())
		return operand{typ: "bool", native: reflect.ValueOf(same == (x.Op == token.EQL))}, err
	}
	return e.compute(x.Op, left, right)
}

// isReference reports whether a value is compared as [caller.same] does.
func (o operand) isReference() bool {
	return o.null || o.target != nil || o.core != nil && !o.native.IsValid()
}

func (e *evaluation) logical(x *ast.BinaryExpr, left operand) (operand, error) {
	value := func(o operand) (bool, error) {
		o, err := o.settled()
		if err == nil && (!o.native.IsValid() || o.native.Kind() != reflect.Bool) {
			err = unknown("operator %s is not defined on %s", x.Op, o.typ)
		}
		if err != nil {
			return false, err
		}
		return o.native.Bool(), nil
	}
	a, err := value(left)
	if err != nil {
		return left, err
	}
	if a == (x.Op == token.LOR) {
		return left.settled()
	}
	right, err := e.eval(x.Y)
	if err != nil {
		return right, err
	}
	if _, err := value(right); err != nil {
		return right, err
	}
	right, err = right.settled()
	return right, err
}

// selector evaluates a field, or a variable of a package.
func (e *evaluation) selector(x *ast.SelectorExpr) (operand, error) {
	if pkg, ok := e.packageNamed(x.X); ok {
		return e.read(fmt.Sprintf("%q.%s", pkg, x.Sel.Name))
	}
	o, err := e.eval(x.X)
	if id, ok := x.X.(*ast.Ident); ok && (err != nil || o.core != nil && o.core.Kind == reflect.Func) {
		return e.read(id.Name + "." + x.Sel.Name) // a package that is not imported in this file, or the program's own
	}
	if err != nil {
		return o, err
	}
	return e.fieldNamed(o, x.Sel.Name)
}

// packageNamed returns the path of the package that a name stands for, unless a variable has the
// name.
func (e *evaluation) packageNamed(x ast.Expr) (string, bool) {
	id, ok := x.(*ast.Ident)
	if !ok {
		return "", false
	}
	if _, err := e.scope.EvalExpression(id.Name, proc.LoadConfig{}); err == nil {
		return "", false
	}
	if path, ok := e.imports[id.Name]; ok {
		return path, true
	}
	path, ok := packageNames[id.Name]
	return path, ok
}

func (e *evaluation) index(x *ast.IndexExpr) (operand, error) {
	o, err := e.eval(x.X)
	if err != nil {
		return o, err
	}
	at, err := e.eval(x.Index)
	if err != nil {
		return at, err
	}
	if at, err = at.settled(); err != nil {
		return at, err
	}
	if !at.native.IsValid() || !at.basic() {
		return at, unknown("a %s is not an index that can be used with calls", at.typ)
	}
	if o.own != nil {
		i, ok := at.integer()
		if !ok {
			return o, unknown("a %s is not an index that can be used with calls", at.typ)
		}
		return e.item(o, i)
	}
	if o.native.IsValid() && (at.native.CanInt() || at.native.CanUint()) {
		i := int64(-1)
		if at.native.CanInt() {
			i = at.native.Int()
		} else if at.native.Uint() < maxOperand {
			i = int64(at.native.Uint())
		}
		switch {
		case o.native.Type() != basicTypes["string"]:
			return o, unknown("a %s has no items that can be read here", o.typ)
		case i < 0 || i >= int64(o.native.Len()):
			return o, unknown("index out of range: there are %d items", o.native.Len())
		}
		return nativeOperand(o.native.Index(int(i)))
	}
	if o.core == nil {
		return o, unknown("a %s has no items that can be read here", o.typ)
	}
	if o.core.Kind == reflect.Map && at.native.Kind() != reflect.String && !at.native.CanInt() && !at.native.CanUint() {
		return o, unknown("the key of the map cannot be looked up with calls")
	}
	key := fmt.Sprint(at.native.Interface())
	if at.native.Kind() == reflect.String {
		key = fmt.Sprintf("%q", key)
	}
	return e.read(fmt.Sprintf("%s[%s]", address(o.core), key))
}

// slice evaluates a part of a string.
func (e *evaluation) slice(x *ast.SliceExpr) (operand, error) {
	o, err := e.eval(x.X)
	if err != nil {
		return o, err
	}
	if o, err = o.settled(); err != nil {
		return o, err
	}
	if x.Slice3 || !o.native.IsValid() || o.native.Kind() != reflect.String {
		return o, unknown("only strings can be sliced with calls")
	}
	bounds := [2]int64{0, int64(o.native.Len())}
	for i, bound := range []ast.Expr{x.Low, x.High} {
		if bound == nil {
			continue
		}
		at, err := e.eval(bound)
		if err != nil {
			return at, err
		}
		if at, err = at.settled(); err != nil {
			return at, err
		}
		if !at.native.IsValid() || !at.native.CanInt() {
			return at, unknown("a %s is not an index that can be used with calls", at.typ)
		}
		bounds[i] = at.native.Int()
	}
	if bounds[0] < 0 || bounds[0] > bounds[1] || bounds[1] > int64(o.native.Len()) {
		return o, unknown("index out of range: the string has %d bytes", o.native.Len())
	}
	return operand{typ: o.typ, native: o.native.Slice(int(bounds[0]), int(bounds[1]))}, nil
}
