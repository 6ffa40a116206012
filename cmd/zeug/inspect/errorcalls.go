package inspect

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"reflect"
)

// errors.Is, errors.As and errors.AsType go through the errors that an error wraps, as package errors
// does: an error, then what its method Unwrap returns. For known types the field is read that the
// method returns (errorTypes). For other types the method is called as any other.

// maxWrapped is how many errors are looked at.
const maxWrapped = 100

// eachError visits an error and what it wraps, depth first, until visit returns true.
func (c *caller) eachError(o operand, left *int, visit func(o operand) (bool, error)) (bool, error) {
	if *left--; *left < 0 {
		return false, unknown("the chain of errors is too long")
	}
	isNil, err := c.isNilInterface(o)
	if err != nil || isNil {
		return false, err
	}
	if o, err = c.concrete(o); err != nil {
		return false, err
	}
	if found, err := visit(o); found || err != nil {
		return found, err
	}
	wrapped, err := c.unwrapped(o)
	if err != nil {
		return false, err
	}
	for _, inner := range wrapped {
		if found, err := c.eachError(inner, left, visit); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// unwrapped lists the errors that an error wraps.
func (c *caller) unwrapped(o operand) ([]operand, error) {
	var inner operand
	if known, ok := errorTypes[o.typ]; ok && known.message != nil {
		if known.wrapped == "" {
			return nil, nil
		}
		field, err := c.fieldNamed(o, known.wrapped)
		if err != nil {
			return nil, err
		}
		inner = field
	} else {
		signature, err := c.errorMethod(o, "Unwrap")
		if signature == nil || err != nil || signature.Params().Len() != 0 || signature.Results().Len() != 1 {
			return nil, err
		}
		if result := typeString(signature.Results().At(0).Type()); result != "error" && result != "[]error" {
			return nil, nil
		}
		if inner, err = c.method(o, "Unwrap", nil); err != nil {
			return nil, err
		}
	}
	if inner.typ != "[]error" {
		return []operand{inner}, nil
	}
	n, err := c.lengthOf(inner)
	if err != nil {
		return nil, err
	}
	var list []operand
	for i := range min(n, maxWrapped+1) {
		item, err := c.item(inner, i)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// errorMethod is the signature of a method of an error; nil if its type has no such method.
func (c *caller) errorMethod(o operand, name string) (*types.Signature, error) {
	s, err := c.sourceOf()
	if err != nil {
		return nil, err
	}
	t, err := s.typeNamed(o.typ)
	if err != nil {
		return nil, err
	}
	selection := types.NewMethodSet(t).Lookup(packageOfType(t), name)
	if selection == nil {
		return nil, nil
	}
	return selection.Type().(*types.Signature), nil
}

// withoutMethod refuses an error whose type has a method that package errors would call. Of the known
// pointer types none has one.
func (c *caller) withoutMethod(o operand, name string) (*types.Signature, error) {
	signature, err := c.errorMethod(o, name)
	if err == nil {
		return signature, nil
	}
	if known, ok := errorTypes[o.typ]; ok && known.message != nil && isPointerName(o.typ) {
		return nil, nil
	}
	return nil, unknown("whether a %s is the error cannot be known here: %v", short(o.typ), err)
}

// errorsIs evaluates errors.Is.
func (c *caller) errorsIs(o, target operand) (operand, error) {
	result := func(yes bool, err error) (operand, error) {
		return operand{typ: "bool", native: reflect.ValueOf(yes)}, err
	}
	noTarget, err := c.isNilInterface(target)
	if err != nil {
		return result(false, err)
	}
	if noError, err := c.isNilInterface(o); err != nil || noError || noTarget {
		return result(noError && noTarget, err)
	}
	left := maxWrapped
	return result(c.eachError(o, &left, func(o operand) (bool, error) {
		if yes, err := c.same(o, target, true, true); err != nil || yes {
			return yes, err
		}
		signature, err := c.withoutMethod(o, "Is")
		if err != nil || signature == nil {
			return false, err
		}
		if signature.Params().Len() != 1 || signature.Results().Len() != 1 || typeString(signature.Params().At(0).Type()) != "error" || typeString(signature.Results().At(0).Type()) != "bool" {
			return false, nil
		}
		answer, err := c.method(o, "Is", []operand{target})
		if err != nil {
			return false, err
		}
		return answer.native.IsValid() && answer.native.Bool(), nil
	}))
}

// errorOfType looks for an error of a type, as errors.As does.
func (c *caller) errorOfType(o operand, t types.Type) (match operand, found bool, err error) {
	left := maxWrapped
	found, err = c.eachError(o, &left, func(o operand) (bool, error) {
		yes, err := c.hasType(o, t)
		if err != nil || yes {
			match = o
			return yes, err
		}
		signature, err := c.withoutMethod(o, "As")
		if err == nil && signature != nil {
			err = unknown("a %s has a method As", short(o.typ))
		}
		return false, err
	})
	return match, found, err
}

// errorsAs evaluates errors.As, which assigns to a variable of the function, and errors.AsType.
func (a *activation) errorsAs(x *ast.CallExpr, arguments []types.Type) (operand, error) {
	o, err := a.eval(x.Args[0])
	if err != nil {
		return o, err
	}
	yes := func(found bool) operand { return operand{typ: "bool", native: reflect.ValueOf(found)} }
	if len(arguments) == 1 {
		match, found, err := a.errorOfType(o, arguments[0])
		if err == nil && !found {
			match, err = zeroValue(arguments[0])
		}
		return operand{list: []operand{match, yes(found)}}, a.placed(x, err)
	}
	pointer, ok := ast.Unparen(x.Args[len(x.Args)-1]).(*ast.UnaryExpr)
	if !ok || pointer.Op != token.AND {
		return o, a.at(x, "errors.As assigns to something that is not known here")
	}
	object, err := a.local(pointer.X)
	if err != nil || object == nil {
		return o, a.at(x, "errors.As assigns to something that is not known here")
	}
	match, found, err := a.errorOfType(o, object.Type())
	if err != nil {
		return o, a.placed(x, err)
	}
	if found {
		if err := a.set(x, object, match); err != nil {
			return o, err
		}
	}
	return yes(found), nil
}

// errorsAsExpression evaluates errors.As(err, &v) and errors.AsType[T](err) in a frame. Nothing is
// assigned.
func (e *evaluation) errorsAsExpression(x *ast.CallExpr, typ ast.Expr) (operand, error) {
	s, err := e.sourceOf()
	if err != nil {
		return operand{}, err
	}
	want := 2
	if typ != nil {
		want = 1
	}
	if len(x.Args) != want {
		return operand{}, unknown("the function takes %d arguments", want)
	}
	o, err := e.eval(x.Args[0])
	if err != nil {
		return o, err
	}
	if o.typ != "error" {
		return o, unknown("the first argument is a %s, not an error", short(o.typ))
	}
	name := ""
	if typ != nil {
		name, err = e.typeExpression(typ)
	} else {
		pointer, ok := ast.Unparen(x.Args[1]).(*ast.UnaryExpr)
		if !ok || pointer.Op != token.AND {
			return o, unknown("the second argument must be the address of a variable")
		}
		var variable operand
		variable, err = e.eval(pointer.X)
		name = variable.typ
	}
	if err != nil {
		return o, err
	}
	t, err := s.typeNamed(name)
	if err != nil {
		return o, err
	}
	match, found, err := e.errorOfType(o, t)
	if err != nil {
		return o, err
	}
	yes := operand{typ: "bool", native: reflect.ValueOf(found)}
	if typ == nil {
		return yes, nil
	}
	if !found {
		if match, err = zeroValue(t); err != nil {
			return o, err
		}
	}
	return operand{list: []operand{match, yes}}, nil
}

// typeExpression is the full name of a type that an expression names.
func (e *evaluation) typeExpression(x ast.Expr) (string, error) {
	switch x := ast.Unparen(x).(type) {
	case *ast.StarExpr:
		name, err := e.typeExpression(x.X)
		return "*" + name, err
	case *ast.Ident:
		if _, ok := types.Universe.Lookup(x.Name).(*types.TypeName); ok {
			return x.Name, nil
		}
		return e.pkg + "." + x.Name, nil
	case *ast.SelectorExpr:
		if pkg, ok := e.packageNamed(x.X); ok {
			return pkg + "." + x.Sel.Name, nil
		}
		if name, ok := x.X.(*ast.Ident); ok && name.Name == path.Base(e.pkg) {
			return e.pkg + "." + x.Sel.Name, nil
		}
	}
	return "", unknown("a type of this form is not known here")
}
