package inspect

import (
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
)

// The calls of a function that is interpreted, its conversions, and the built-in functions.

func (a *activation) call(x *ast.CallExpr) (operand, error) {
	f := ast.Unparen(x.Fun)
	typed := a.Types[f]
	switch {
	case typed.IsType():
		return a.convert(x, typed.Type)
	case typed.IsBuiltin():
		return a.builtin(x, f)
	}
	if selector, ok := f.(*ast.SelectorExpr); ok {
		if selection := a.Selections[selector]; selection != nil {
			return a.methodCall(x, selector, selection)
		}
	}
	name, arguments := a.functionName(f)
	fn, ok := a.ObjectOf(name).(*types.Func)
	if name == nil || !ok || fn.Pkg() == nil {
		return operand{}, a.at(x, "a call of a function value is not known here")
	}
	if fn.Pkg().Path() == "errors" && (fn.Name() == "As" || fn.Name() == "AsType") {
		return a.errorsAs(x, arguments)
	}
	args, err := a.arguments(x)
	if err != nil {
		return operand{}, err
	}
	if len(arguments) > 0 {
		o, err := a.interpret(fn, arguments, nil, args)
		return o, a.placed(x, err)
	}
	o, err := a.function(fn.Pkg().Path(), fn.Name(), args)
	return o, a.placed(x, err)
}

// functionName is the name by which a function is called, and its type arguments.
func (a *activation) functionName(f ast.Expr) (name *ast.Ident, arguments []types.Type) {
	switch x := f.(type) {
	case *ast.IndexExpr:
		f = x.X
	case *ast.IndexListExpr:
		f = x.X
	}
	switch x := ast.Unparen(f).(type) {
	case *ast.Ident:
		name = x
	case *ast.SelectorExpr:
		name = x.Sel
	default:
		return nil, nil
	}
	for argument := range a.Instances[name].TypeArgs.Types() {
		arguments = append(arguments, argument)
	}
	return name, arguments
}

func (a *activation) arguments(x *ast.CallExpr) (list []operand, err error) {
	for _, arg := range x.Args {
		o, err := a.eval(arg)
		if err != nil {
			return nil, err
		}
		list = append(list, o)
	}
	if x.Ellipsis.IsValid() {
		list[len(list)-1].spread = true
	}
	return list, nil
}

func (a *activation) methodCall(x *ast.CallExpr, f *ast.SelectorExpr, selection *types.Selection) (operand, error) {
	if selection.Kind() != types.MethodVal {
		return operand{}, a.at(x, "a call of a function value is not known here")
	}
	receiver, err := a.eval(f.X)
	if err != nil {
		return receiver, err
	}
	if _, ok := selection.Recv().Underlying().(*types.Pointer); !ok {
		copied, known := a.isCopy(f.X)
		receiver.copied = copied || !known
		if _, ok := selection.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer); ok {
			if err := a.pin(f.X); err != nil {
				return receiver, err
			}
		}
	}
	args, err := a.arguments(x)
	if err != nil {
		return operand{}, err
	}
	if _, ok := selection.Recv().Underlying().(*types.Interface); ok {
		isNil, err := a.isNilInterface(receiver)
		if err == nil && isNil {
			err = a.at(x, "nil pointer dereference: the receiver of %s is nil", f.Sel.Name)
		}
		if err != nil {
			return receiver, err
		}
	}
	o, err := a.method(receiver, f.Sel.Name, args)
	return o, a.placed(x, err)
}

func (a *activation) builtin(x *ast.CallExpr, f ast.Expr) (operand, error) {
	name, ok := f.(*ast.Ident)
	switch {
	case !ok:
	case name.Name == "append":
		return a.appended(x)
	case name.Name == "make":
		return a.made(x)
	case name.Name == "new" && builtTypes[typeString(a.TypeOf(x.Args[0]))]:
		o := a.newBuilder(typeString(a.TypeOf(x.Args[0])))
		o.typ = "*" + o.typ
		return o, nil
	}
	if !ok || name.Name != "len" && name.Name != "cap" && name.Name != "min" && name.Name != "max" {
		return operand{}, a.at(x, "a call of this built-in function is not known here")
	}
	args, err := a.arguments(x)
	if err != nil {
		return operand{}, err
	}
	switch name.Name {
	case "len":
		n, err := a.lengthOf(args[0])
		return operand{typ: "int", native: reflect.ValueOf(int(n))}, a.placed(x, err)
	case "cap":
		if own := args[0].own; own != nil && own.array.capacity >= 0 {
			return operand{typ: "int", native: reflect.ValueOf(own.array.capacity - own.from)}, nil
		}
		if args[0].core == nil || args[0].core.Kind != reflect.Slice {
			return operand{}, a.at(x, "the capacity is not known")
		}
		return operand{typ: "int", native: reflect.ValueOf(int(args[0].core.Cap))}, nil
	}
	op := token.LSS
	if name.Name == "max" {
		op = token.GTR
	}
	best := args[0]
	for _, o := range args[1:] {
		if best.native.IsValid() && best.native.CanFloat() {
			return best, a.at(x, "%s of floats is not known here", name.Name)
		}
		better, err := operate(op, o, best)
		if err != nil {
			return o, a.placed(x, err)
		}
		if better.native.Bool() {
			best = o
		}
	}
	return best, nil
}

// convert evaluates a conversion.
func (a *activation) convert(x *ast.CallExpr, t types.Type) (operand, error) {
	o, err := a.eval(x.Args[0])
	if err != nil {
		return o, err
	}
	name := typeString(t)
	under := t.Underlying()
	basic, isBasic := under.(*types.Basic)
	switch {
	case name == "":
		return o, a.at(x, "the type %s is not known here", t)
	case isBasic && o.basic():
		o, err := o.converted(basic.Name())
		o.typ = name
		return o, a.placed(x, err)
	case isBasic && basic.Kind() == types.String && o.core != nil && isBytes(o.core):
		b, err := a.bytesOf(o.core, maxOperand)
		if err == nil && int64(len(b)) != o.core.Len {
			err = unknown("the string is too long")
		}
		return operand{typ: name, native: reflect.ValueOf(string(b))}, a.placed(x, err)
	case isBasic && basic.Kind() == types.String && o.own != nil && (o.typ == "[]uint8" || o.typ == "[]int32"):
		text, err := textOf(o)
		return operand{typ: name, native: reflect.ValueOf(text)}, a.placed(x, err)
	case (name == "[]uint8" || name == "[]int32") && o.native.IsValid() && o.native.Kind() == reflect.String:
		o, err := a.itemsOfText(o.native.String(), name)
		return o, a.placed(x, err)
	case o.null && o.typ == "", types.IsInterface(t):
		o, err := a.assigned(o, t)
		return o, a.placed(x, err)
	case types.Identical(under, a.TypeOf(x.Args[0]).Underlying()) && !isBasic:
		o.typ = name
		return o, nil
	}
	return o, a.at(x, "a conversion to %s is not known here", short(name))
}
