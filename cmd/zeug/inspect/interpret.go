package inspect

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
)

// A function of the program is interpreted from its source: its statements run here, with the
// variables of the core in place of those of the program. Package go/types finds the constants, types,
// promoted fields and type arguments, as the compiler does.
//
//	func (c *cart) Total(limit int) int {
//		sum := 0                          a variable of the interpreter
//		for _, item := range c.items {    c.items is read from the core
//			sum += item.price
//		}
//		return min(sum, limit)
//	}
//
// Only such variables are assigned to. So nothing changes in the core, and a function that would
// change anything, wait, start a goroutine, or panic is refused.

// activation is a call of a function that is interpreted.
type activation struct {
	*caller
	*checkedBody
	variables map[types.Object]operand
	pinned    map[types.Object]bool // something may point to them
	returned  []operand
}

// outcome is how a statement ends.
type outcome struct {
	kind  token.Token // 0, or one of BREAK, CONTINUE and RETURN
	label string
}

// interpret calls a function of the program. The type arguments are those of the function, or of its
// receiver. Several results are the list of the operand.
func (c *caller) interpret(fn *types.Func, arguments []types.Type, receiver *operand, args []operand) (operand, error) {
	o, err := c.interpreted(fn, arguments, receiver, args)
	if err == nil || errors.As(err, new(errUnknown)) && c.depth > 0 {
		return o, err
	}
	return o, errNotKnown(short(fn.FullName()), err)
}

func (c *caller) interpreted(fn *types.Func, arguments []types.Type, receiver *operand, args []operand) (o operand, err error) {
	if c.depth >= maxCalls {
		return o, unknown("too many calls are inside each other")
	}
	if err := c.sameVersion(); err != nil {
		return o, err
	}
	s, err := c.sourceOf()
	if err != nil {
		return o, err
	}
	body, err := s.body(fn, arguments)
	if err != nil {
		return o, err
	}
	a := &activation{caller: &caller{c.view, c.depth + 1, c.run}, checkedBody: body, variables: map[types.Object]operand{}, pinned: map[types.Object]bool{}}
	if err := a.bind(receiver, args); err != nil {
		return o, err
	}
	end, err := a.block(body.block.List)
	if err != nil {
		return o, err
	}
	switch {
	case body.types.Results().Len() == 0:
		return operand{nothing: true}, nil
	case end.kind != token.RETURN:
		return o, unknown("it ends without a result")
	case len(a.returned) == 1:
		return a.returned[0], nil
	}
	return operand{list: a.returned}, nil
}

// bind gives the receiver, the parameters and the named results their values.
func (a *activation) bind(receiver *operand, args []operand) error {
	parameters := a.types.Params()
	if receiver != nil {
		if a.receiver == nil {
			return unknown("it is not a method")
		}
		args = append([]operand{*receiver}, args...)
	}
	if a.types.Variadic() {
		packed, err := a.packed(args, parameters.Len())
		if err != nil {
			return err
		}
		args = packed
	}
	if len(args) != parameters.Len() || len(args) > 0 && args[len(args)-1].spread {
		return unknown("it takes %d arguments", parameters.Len())
	}
	for i, arg := range args {
		value, err := a.assigned(arg, parameters.At(i).Type())
		if err != nil {
			return err
		}
		a.variables[parameters.At(i)] = value
	}
	for result := range a.types.Results().Variables() {
		if result.Name() == "" || result.Name() == "_" {
			continue
		}
		zero, err := a.zero(result.Type())
		if err != nil {
			return err
		}
		if zero.builder != nil {
			zero.builder.stored = true
		}
		a.variables[result] = zero
	}
	return nil
}

// assigned is a value as a variable of a type holds it.
func (c *caller) assigned(o operand, t types.Type) (operand, error) {
	name := typeString(t)
	_, isInterface := t.Underlying().(*types.Interface)
	switch {
	case len(o.list) > 0:
		return o, unknown("a call has several results")
	case o.builder != nil && !isPointerName(o.typ):
		return o.stored()
	case o.null && o.typ == "":
		if !isInterface {
			if name == "" {
				return o, unknown("a nil of this type is not known here")
			}
			o.typ = name
		}
		return o, nil
	case o.typ == "" && isInterface:
		return o.settled()
	case o.typ == "":
		basic, ok := t.Underlying().(*types.Basic)
		if !ok {
			return o, unknown("the constant %v cannot be a %s", o.constant, t)
		}
		o, err := o.typed(basic.Name())
		if name != "" {
			o.typ = name
		}
		return o, err
	case isInterface:
		return c.implementing(o, t)
	case name == "":
		return o, unknown("values of the type %s are not known here", t)
	case o.typ == name:
		return o, nil
	}
	// A value of a type without a name, such as []string, is assigned to one with a name, or the other way round.
	s, err := c.sourceOf()
	if err != nil {
		return o, err
	}
	from, err := s.typeNamed(o.typ)
	if err != nil {
		return o, err
	}
	if !types.AssignableTo(from, t) {
		return o, unknown("a %s cannot be used as a %s", short(o.typ), short(name))
	}
	o.typ = name
	return o, nil
}

// implementing is a value that is assigned to a variable of an interface type.
func (c *caller) implementing(o operand, t types.Type) (operand, error) {
	if t.Underlying().(*types.Interface).Empty() {
		return o, nil
	}
	if o.typ == typeString(t) {
		return o, nil
	}
	s, err := c.sourceOf()
	if err != nil {
		return o, err
	}
	from, err := s.typeNamed(o.typ)
	if err != nil {
		return o, err
	}
	if !types.AssignableTo(from, t) {
		return o, unknown("a %s cannot be used as a %s", short(o.typ), t)
	}
	return o, nil
}

// zeroValue is the value of a variable that is declared without one.
func zeroValue(t types.Type) (operand, error) {
	name := typeString(t)
	switch under := t.Underlying().(type) {
	case *types.Basic:
		if basic := basicTypes[under.Name()]; basic != nil && name != "" {
			return operand{typ: name, native: reflect.New(basic).Elem()}, nil
		}
	case *types.Interface:
		return operand{null: true}, nil
	case *types.Pointer, *types.Slice, *types.Map, *types.Chan, *types.Signature:
		if name != "" {
			return operand{typ: name, null: true}, nil
		}
	}
	return operand{}, unknown("the zero value of %s is not known here", t)
}

// at says where something is refused.
func (a *activation) at(n ast.Node, format string, args ...any) error {
	return unknown("%s (line %d of %s)", fmt.Sprintf(format, args...), a.fset.Position(n.Pos()).Line, a.name)
}
