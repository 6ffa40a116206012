package inspect

import (
	"errors"
	"fmt"
	"go/types"
	"reflect"

	"github.com/go-delve/delve/pkg/proc"
)

// caller calls functions with operands, for an expression of a frame and for the bodies of functions.
type caller struct {
	*view
	depth int // of calls inside each other
	run   *run
}

// run is what the calls of one expression share.
type run struct {
	steps   int  // that were taken
	made    int  // how many slices and builders were made
	barrier int  // those that were made before it may not be changed
	again   bool // an expression is evaluated a second time
}

func (c *caller) step() error {
	if c.run.steps++; c.run.steps > maxSteps {
		return unknown("the expression takes too many steps")
	}
	return nil
}

// read lets Delve evaluate an expression, which must not have operators.
func (c *caller) read(expression string) (operand, error) {
	if c.loads--; c.loads < 0 {
		return operand{}, errLoads
	}
	v, err := c.scope.EvalExpression(expression, shallow)
	if err != nil {
		return operand{}, err
	}
	return c.variable(v, expression)
}

// variable makes an operand of a variable of the program.
func (c *caller) variable(v *proc.Variable, expression string) (operand, error) {
	if v.Addr == 0 || v.Addr >= madeAddr || v.Flags&proc.VariableFakeAddress != 0 {
		return operand{}, unknown("%s has no address, and cannot be used with calls", expression)
	}
	o, err := c.fromCore(v)
	if err != nil && o.typ == "" {
		return o, err
	}
	return o, nil // without its value, which may not be needed
}

// address is an expression by which Delve finds a value of the core again.
func address(v *proc.Variable) string {
	return fmt.Sprintf("(*(*%q)(%#x))", typeName(v), v.Addr)
}

// function calls a function of a package.
func (c *caller) function(pkg, name string, args []operand) (operand, error) {
	switch {
	case pkg == "errors" && name == "Is" && len(args) == 2:
		return c.errorsIs(args[0], args[1])
	case printers[pkg+"."+name]:
		return c.printed(pkg+"."+name, args)
	case knownFunctions[pkg+"."+name] != nil:
		return c.native(pkg+"."+name, reflect.ValueOf(knownFunctions[pkg+"."+name]), args)
	}
	s, err := c.sourceOf()
	if err != nil {
		return operand{}, err
	}
	p, err := s.declarations(pkg, "")
	if err != nil {
		return operand{}, unknown("functions cannot be called here, and what %s.%s returns is not known: %v", pkg, name, err)
	}
	fn, ok := p.Scope().Lookup(name).(*types.Func)
	if !ok {
		return operand{}, errUnknownFunction(name)
	}
	return c.interpret(fn, nil, nil, args)
}

// method calls a method of a value, which may be promoted from an embedded field.
func (c *caller) method(receiver operand, name string, args []operand) (operand, error) {
	if receiver.builder != nil {
		return c.builderMethod(receiver, name, args)
	}
	if receiver.core != nil && receiver.core.Kind == reflect.Interface {
		return c.interfaceMethod(receiver, name, args)
	}
	if receiver.null {
		if !isPointerName(receiver.typ) {
			return receiver, unknown("nil pointer dereference: the receiver of %s is nil", name)
		}
		return c.sourceMethod(receiver, name, args)
	}
	target, err := c.pointed(receiver)
	if errors.Is(err, errNilPointer) {
		return c.sourceMethod(operand{typ: receiver.typ, null: true}, name, args)
	}
	if err != nil {
		return receiver, err
	}
	switch {
	case target.typ == zeugModule+"/routing.Params" && target.core != nil:
		return c.paramsMethod(target.core, name, args)
	case knownMethods[target.typ] != "":
		return c.copiedMethod(target, knownMethods[target.typ], name, args)
	case name == "Load" && len(args) == 0 && isAtomic(target.typ):
		return c.atomicLoad(target)
	}
	return c.sourceMethod(receiver, name, args)
}

// interfaceMethod calls a method of what an interface holds.
func (c *caller) interfaceMethod(receiver operand, name string, args []operand) (operand, error) {
	isNil, err := c.isNil(receiver)
	if err != nil {
		return receiver, err
	}
	if isNil {
		return receiver, unknown("nil pointer dereference: the interface is nil")
	}
	held := c.held(receiver.core)
	if held == nil {
		return receiver, unknown("what the interface holds cannot be read")
	}
	if receiver.typ == "error" && name == "Error" && len(args) == 0 {
		if message, ok := c.message(held, 0); ok {
			return operand{typ: "string", native: reflect.ValueOf(message)}, nil
		}
	}
	o, err := c.fromCore(held)
	if err != nil && o.typ == "" {
		return o, err
	}
	return c.method(o, name, args)
}

// sourceMethod calls a method by the program's source.
func (c *caller) sourceMethod(receiver operand, name string, args []operand) (operand, error) {
	if receiver.typ == "" {
		return receiver, errUnknownFunction(name)
	}
	s, err := c.sourceOf()
	if err != nil {
		return receiver, err
	}
	t, err := s.typeNamed(receiver.typ)
	if err != nil {
		return receiver, errNotKnown(name, err)
	}
	fn, path, _ := types.LookupFieldOrMethod(t, true, packageOfType(t), name)
	method, ok := fn.(*types.Func)
	if !ok {
		return receiver, errUnknownFunction(name)
	}
	// A promoted method belongs to the field that the path leads to.
	copied := receiver.copied
	for _, index := range path[:len(path)-1] {
		if receiver, t, err = c.fieldAt(receiver, t, index); err != nil {
			return receiver, err
		}
		receiver.copied = copied
	}
	if len(path) > 1 {
		return c.method(receiver, name, args)
	}
	if _, ok := t.Underlying().(*types.Interface); ok {
		return receiver, errUnknownFunction(name)
	}
	bound, err := c.bound(receiver, method)
	if err != nil {
		return receiver, err
	}
	return c.interpret(method, typeArguments(t), &bound, args)
}

// errNotKnown says why the source of a function cannot tell what it returns.
func errNotKnown(name string, why error) error {
	return unknown("functions cannot be called here, and what %s returns is not known: %v", name, why)
}

// bound makes a receiver of the kind that its method has: a pointer or a value.
func (c *caller) bound(receiver operand, method *types.Func) (operand, error) {
	_, wantsPointer := method.Signature().Recv().Type().(*types.Pointer)
	switch isPointer := isPointerName(receiver.typ); {
	case wantsPointer == isPointer:
		return receiver, nil
	case wantsPointer && receiver.core != nil:
		return operand{typ: "*" + receiver.typ, target: receiver.core, copied: receiver.copied}, nil
	case wantsPointer:
		return receiver, unknown("the receiver of %s has no address here", method.Name())
	}
	return c.pointed(receiver)
}

// packageOfType is the package whose unexported names a type has.
func packageOfType(t types.Type) *types.Package {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		return n.Obj().Pkg()
	}
	return nil
}

// typeArguments lists the types in place of the type parameters of a type, or of what a pointer
// leads to.
func typeArguments(t types.Type) (list []types.Type) {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := types.Unalias(t).(*types.Named); ok {
		for argument := range n.TypeArgs().Types() {
			list = append(list, argument)
		}
	}
	return list
}

// fieldAt reads a field of a struct, or of the struct that a pointer leads to.
func (c *caller) fieldAt(o operand, t types.Type, index int) (operand, types.Type, error) {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	s, ok := t.Underlying().(*types.Struct)
	if !ok || index >= s.NumFields() {
		return o, t, unknown("a %s has no fields that are known here", o.typ)
	}
	field := s.Field(index)
	o, err := c.fieldNamed(o, field.Name())
	return o, field.Type(), err
}

// fieldNamed reads a field of a struct, or of the struct that a pointer leads to.
func (c *caller) fieldNamed(o operand, name string) (operand, error) {
	target, err := c.pointed(o)
	if err != nil {
		return o, err
	}
	if target.core == nil {
		return o, unknown("the fields of a result cannot be read")
	}
	return c.read(address(target.core) + "." + name)
}
