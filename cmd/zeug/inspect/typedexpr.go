package inspect

import (
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"reflect"
	"strings"
)

// The expressions of a function that is interpreted. Their types and constants are known from go/types.

var oneConstant = constant.MakeInt64(1)

// eval evaluates an expression that has one value.
func (a *activation) eval(x ast.Expr) (operand, error) {
	if err := a.step(); err != nil {
		return operand{}, err
	}
	typed := a.Types[x]
	if typed.Value != nil {
		return a.constantValue(x, typed)
	}
	o, err := a.evaluated(ast.Unparen(x))
	switch {
	case err != nil:
		return o, err
	case len(o.list) > 0:
		return o, a.at(x, "a call has several results")
	case o.nothing:
		return o, a.at(x, "it returns nothing")
	case o.null || o.typ == "" || typed.Type == nil:
		return o, nil
	}
	if _, ok := typed.Type.Underlying().(*types.Interface); ok {
		return o, nil
	}
	if name := typeString(typed.Type); name != "" && name != o.typ {
		return o, a.at(x, "a value of the type %s is a %s in the debug information", short(name), short(o.typ))
	}
	return o, nil
}

// constantValue is a constant as a value of its type.
func (a *activation) constantValue(x ast.Expr, typed types.TypeAndValue) (operand, error) {
	t := types.Default(typed.Type)
	basic, ok := t.Underlying().(*types.Basic)
	name := typeString(t)
	if !ok || name == "" {
		return operand{}, a.at(x, "a constant of the type %s is not known here", typed.Type)
	}
	o := operand{constant: typed.Value, kind: "constant"}
	o, err := o.typed(basic.Name())
	if err == nil && types.Typ[basic.Kind()].Name() != name {
		o.typ = name
	}
	return o, err
}

func (a *activation) evaluated(x ast.Expr) (operand, error) {
	switch x := x.(type) {
	case *ast.Ident:
		return a.named(x)
	case *ast.SelectorExpr:
		return a.selected(x)
	case *ast.IndexExpr:
		o, _, err := a.entry(x)
		return o, err
	case *ast.SliceExpr:
		return a.sliced(x)
	case *ast.StarExpr:
		o, err := a.eval(x.X)
		if err == nil {
			o, err = a.pointed(o)
		}
		return o, a.placed(x, err)
	case *ast.UnaryExpr:
		return a.unary(x)
	case *ast.BinaryExpr:
		return a.binary(x)
	case *ast.CallExpr:
		return a.call(x)
	case *ast.CompositeLit:
		return a.literal(x)
	case *ast.TypeAssertExpr:
		o, ok, err := a.asserted(x, x.Type)
		if err == nil && !ok {
			err = a.at(x, "a type assertion panics")
		}
		return o, err
	}
	return operand{}, a.at(x, "an expression of this form is not known here")
}

// placed adds to an error of an expression where it is.
func (a *activation) placed(x ast.Node, err error) error {
	if err == nil || strings.Contains(err.Error(), " (line ") {
		return err
	}
	return a.at(x, "%v", err)
}

func (a *activation) named(x *ast.Ident) (operand, error) {
	switch object := a.ObjectOf(x).(type) {
	case *types.Nil:
		return operand{null: true}, nil
	case *types.Var:
		if o, ok := a.variables[object]; ok {
			return o, nil
		}
		return a.packageVariable(x, object)
	}
	return operand{}, a.at(x, "%s is not known here", x.Name)
}

func (a *activation) packageVariable(x ast.Node, object *types.Var) (operand, error) {
	if object.Pkg() == nil || object.Parent() != object.Pkg().Scope() {
		return operand{}, a.at(x, "the variable %s is not known here", object.Name())
	}
	o, err := a.read(fmt.Sprintf("%q.%s", object.Pkg().Path(), object.Name()))
	return o, a.placed(x, err)
}

func (a *activation) selected(x *ast.SelectorExpr) (operand, error) {
	selection := a.Selections[x]
	if selection == nil {
		if object, ok := a.ObjectOf(x.Sel).(*types.Var); ok {
			return a.packageVariable(x, object)
		}
		return operand{}, a.at(x, "%s is not known here", x.Sel.Name)
	}
	if selection.Kind() != types.FieldVal {
		return operand{}, a.at(x, "a method that is not called is not known here")
	}
	o, err := a.eval(x.X)
	t := selection.Recv()
	for _, index := range selection.Index() {
		if err != nil {
			return o, a.placed(x, err)
		}
		o, t, err = a.fieldAt(o, t, index)
	}
	return o, a.placed(x, err)
}

// entry evaluates an index. It also reports whether a map has the key.
func (a *activation) entry(x *ast.IndexExpr) (o operand, found bool, err error) {
	if o, err = a.eval(x.X); err != nil {
		return o, false, err
	}
	at, err := a.eval(x.Index)
	if err != nil {
		return at, false, err
	}
	if m, ok := a.TypeOf(x.X).Underlying().(*types.Map); ok {
		return a.mapEntry(x, o, at, m)
	}
	i, ok := at.integer()
	if !ok {
		return o, false, a.at(x, "the index is not known")
	}
	if o, err = a.pointed(o); err != nil { // of an array
		return o, false, a.placed(x, err)
	}
	o, err = a.item(o, i)
	return o, true, a.placed(x, err)
}

// integer is the value of an integer; false for another value, and for one that is too large.
func (o operand) integer() (int64, bool) {
	switch {
	case !o.native.IsValid():
		return 0, false
	case o.native.CanInt():
		return o.native.Int(), true
	case o.native.CanUint() && o.native.Uint() < 1<<63:
		return int64(o.native.Uint()), true
	}
	return 0, false
}

// item reads an item of a string, slice or array.
func (c *caller) item(o operand, i int64) (operand, error) {
	length, err := c.lengthOf(o)
	switch {
	case err != nil:
		return o, err
	case i < 0 || i >= length:
		return o, unknown("index out of range: there are %d items", length)
	case o.own != nil:
		return o.own.items()[i], nil
	case o.native.IsValid() && o.native.Kind() == reflect.String:
		return nativeOperand(o.native.Index(int(i)))
	case o.core == nil:
	case o.core.Kind == reflect.Slice || o.core.Kind == reflect.Array:
		return c.read(fmt.Sprintf("%s[%d]", address(o.core), i))
	}
	return o, unknown("a %s has no items that can be read here", o.typ)
}

// lengthOf is the length of a string, slice, array, map or channel.
func (c *caller) lengthOf(o operand) (int64, error) {
	switch {
	case o.null:
		return 0, nil
	case o.own != nil:
		return int64(len(o.own.items())), nil
	case o.native.IsValid() && (o.native.Kind() == reflect.String || o.native.Kind() == reflect.Slice || o.native.Kind() == reflect.Map):
		return int64(o.native.Len()), nil
	case o.core != nil && (isList(o.core) || o.core.Kind == reflect.String):
		return o.core.Len, nil
	}
	return 0, unknown("a %s has no length that is known here", o.typ)
}

// mapEntry looks up a key in a map.
func (a *activation) mapEntry(x ast.Expr, o, key operand, t *types.Map) (operand, bool, error) {
	none := func() (operand, bool, error) {
		zero, err := zeroValue(t.Elem())
		return zero, false, a.placed(x, err)
	}
	isNil, err := a.isNil(o)
	if err != nil {
		return o, false, a.placed(x, err)
	}
	if isNil {
		return none()
	}
	if _, ok := t.Key().Underlying().(*types.Basic); !ok || o.core == nil || !key.basic() || key.native.CanFloat() || key.native.Kind() == reflect.Bool {
		return o, false, a.at(x, "the key of the map cannot be looked up here")
	}
	text := fmt.Sprint(key.native.Interface())
	if key.native.Kind() == reflect.String {
		text = fmt.Sprintf("%q", text)
	}
	value, err := a.read(fmt.Sprintf("%s[%s]", address(o.core), text))
	if err != nil && err.Error() == "key not found" {
		return none()
	}
	return value, true, a.placed(x, err)
}

func (a *activation) sliced(x *ast.SliceExpr) (operand, error) {
	o, err := a.eval(x.X)
	if err != nil {
		return o, err
	}
	isText := o.native.IsValid() && o.native.Kind() == reflect.String
	if x.Slice3 || !isText && o.own == nil {
		return o, a.at(x, "only strings and slices of the function's own can be sliced here")
	}
	length, err := a.lengthOf(o)
	if err != nil {
		return o, a.placed(x, err)
	}
	bounds := [2]int64{0, length}
	for i, bound := range []ast.Expr{x.Low, x.High} {
		if bound == nil {
			continue
		}
		at, err := a.eval(bound)
		if err != nil {
			return at, err
		}
		n, ok := at.integer()
		if !ok {
			return at, a.at(x, "the index is not known")
		}
		bounds[i] = n
	}
	if bounds[0] < 0 || bounds[0] > bounds[1] || bounds[1] > length {
		return o, a.at(x, "index out of range: the length is %d", length)
	}
	if o.own != nil {
		return o.part(bounds[0], bounds[1]), nil
	}
	return operand{typ: o.typ, native: o.native.Slice(int(bounds[0]), int(bounds[1]))}, nil
}

func (a *activation) unary(x *ast.UnaryExpr) (operand, error) {
	if x.Op == token.ARROW {
		return operand{}, a.at(x, "receiving from a channel would change it")
	}
	o, err := a.eval(x.X)
	if err != nil {
		return o, err
	}
	if x.Op == token.AND && o.builder != nil && !isPointerName(o.typ) {
		o.typ = "*" + o.typ
		o.builder.stored = true
		return o, a.pin(x.X)
	}
	if x.Op == token.AND {
		copied, ok := a.isCopy(x.X)
		if !ok || o.core == nil {
			return o, a.at(x, "the address is not known here")
		}
		return operand{typ: "*" + o.typ, target: o.core, copied: copied}, a.pin(x.X)
	}
	o, err = unary(x.Op, o)
	return o, a.placed(x, err)
}

// isCopy reports whether an expression names a variable of the interpreter, or a part of one. The
// program has it at an address that is not known. It returns false for ok if that is not known.
func (a *activation) isCopy(x ast.Expr) (copied, ok bool) {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		object := a.ObjectOf(x)
		return a.isLocal(object), true
	case *ast.SelectorExpr:
		if a.Selections[x] == nil {
			return false, true // a variable of a package
		}
		if _, ok := a.TypeOf(x.X).Underlying().(*types.Pointer); ok {
			o, err := a.evalAgain(x.X)
			return o.copied, err == nil
		}
		return a.isCopy(x.X)
	case *ast.IndexExpr:
		if _, ok := a.TypeOf(x.X).Underlying().(*types.Slice); ok {
			o, err := a.evalAgain(x.X)
			return o.own != nil, err == nil
		}
		return a.isCopy(x.X)
	case *ast.StarExpr:
		o, err := a.evalAgain(x.X)
		return o.copied, err == nil
	}
	return true, false
}

func (a *activation) binary(x *ast.BinaryExpr) (operand, error) {
	left, err := a.eval(x.X)
	if err != nil {
		return left, err
	}
	if x.Op == token.LAND || x.Op == token.LOR {
		if !left.native.IsValid() || left.native.Kind() != reflect.Bool {
			return left, a.at(x, "the condition is not known")
		}
		if left.native.Bool() == (x.Op == token.LOR) {
			return left, nil
		}
		return a.eval(x.Y)
	}
	right, err := a.eval(x.Y)
	if err != nil {
		return right, err
	}
	var o operand
	switch x.Op {
	case token.EQL, token.NEQ:
		var equal bool
		equal, err = a.equal(left, right, x.X, x.Y)
		o = operand{typ: "bool", native: reflect.ValueOf(equal == (x.Op == token.EQL))}
	default:
		o, err = a.compute(x.Op, left, right)
	}
	if err != nil {
		return o, a.placed(x, err)
	}
	if name := typeString(a.TypeOf(x)); o.typ == "bool" && name != "" {
		o.typ = name // a comparison has the type that its context wants
	}
	return o, nil
}

// compute applies an operator other than a comparison of references.
func (c *caller) compute(op token.Token, x, y operand) (operand, error) {
	if err := c.exact(op, x); err != nil {
		return x, err
	}
	return operate(op, x, y)
}

// exact refuses additions of floats that the program may have fused with a multiplication.
func (c *caller) exact(op token.Token, x operand) error {
	if (op == token.ADD || op == token.SUB) && x.native.IsValid() && x.native.CanFloat() {
		s, err := c.sourceOf()
		if err != nil {
			return err
		}
		if s.fuses {
			return unknown("floats cannot be added with calls here: the program may have done it in another precision")
		}
	}
	return nil
}

func (a *activation) equal(left, right operand, x, y ast.Expr) (bool, error) {
	isInterface := func(x, other ast.Expr) bool {
		t := a.TypeOf(x)
		if t == types.Typ[types.UntypedNil] {
			t = a.TypeOf(other)
		}
		_, ok := t.Underlying().(*types.Interface)
		return ok
	}
	xInterface, yInterface := isInterface(x, y), isInterface(y, x)
	if left.basic() && right.basic() && !xInterface && !yInterface {
		o, err := operate(token.EQL, left, right)
		if err != nil {
			return false, err
		}
		return o.native.Bool(), nil
	}
	return a.same(left, right, xInterface, yInterface)
}

func (a *activation) asserted(x ast.Expr, typ ast.Expr) (operand, bool, error) {
	assertion, ok := ast.Unparen(x).(*ast.TypeAssertExpr)
	if !ok || typ == nil {
		return operand{}, false, a.at(x, "an expression of this form is not known here")
	}
	value, err := a.eval(assertion.X)
	if err != nil {
		return value, false, err
	}
	t := a.TypeOf(typ)
	held, ok, err := a.assertedValue(value, t, x)
	if err == nil && !ok {
		held, err = zeroValue(t)
	}
	return held, ok, err
}

// assertedValue is what an interface holds, if it is of a type. The type nil is that of no value.
func (a *activation) assertedValue(value operand, t types.Type, x ast.Node) (operand, bool, error) {
	isNil, err := a.isNilInterface(value)
	if err != nil || isNil || t == types.Typ[types.UntypedNil] {
		return value, isNil && t == types.Typ[types.UntypedNil], a.placed(x, err)
	}
	held, err := a.concrete(value)
	if err != nil {
		return held, false, a.placed(x, err)
	}
	ok, err := a.hasType(held, t)
	return held, ok, a.placed(x, err)
}

// hasType reports whether a value is of a type, or implements it.
func (c *caller) hasType(o operand, t types.Type) (bool, error) {
	if wanted, ok := t.Underlying().(*types.Interface); ok {
		s, err := c.sourceOf()
		if err != nil {
			return false, err
		}
		dynamic, err := s.typeNamed(o.typ)
		if err != nil {
			return false, err
		}
		return types.Implements(dynamic, wanted), nil
	}
	name := typeString(t)
	if name == "" || o.typ == "" || strings.Contains(o.typ, "go.shape") {
		return false, errors.New("the type is not known here")
	}
	return o.typ == name, nil
}
