package inspect

import (
	"go/ast"
	"reflect"

	"github.com/go-delve/delve/pkg/proc"
)

// Calls about errors are known if all types of the chain are (errorTypes).

func (e *evaluation) errorText(v *proc.Variable) (operand, error) {
	held := e.held(v)
	if held == nil {
		return operand{}, unknown("nil pointer dereference: the error is nil")
	}
	message, ok := e.message(held, 0)
	if !ok {
		return operand{}, unknown("the Error method of %s cannot be called here", short(typeName(held)))
	}
	return operand{typ: "string", native: reflect.ValueOf(message)}, nil
}

// errorsIs looks for an error among those that another one wraps. Only chains of known types are
// read: these types have no Is method.
func (e *evaluation) errorsIs(x *ast.CallExpr) (operand, error) {
	err, failed := e.eval(x.Args[0])
	if failed != nil {
		return err, failed
	}
	target, failed := e.eval(x.Args[1])
	if failed != nil {
		return target, failed
	}
	if err.core == nil || target.core == nil || err.typ != "error" || target.typ != "error" {
		return err, unknown("errors.Is is known here only for variables of the type error")
	}
	no := operand{typ: "bool", native: reflect.ValueOf(false)}
	want := e.held(target.core)
	if want == nil || e.held(err.core) == nil {
		return operand{typ: "bool", native: reflect.ValueOf(want == nil && e.held(err.core) == nil)}, nil
	}
	if want.Kind != reflect.Pointer || len(want.Children) != 1 {
		return no, unknown("errors.Is is known here only for errors that are pointers, and the target is a %s", short(typeName(want)))
	}
	chain, complete := e.wholeChain(err.core)
	for _, held := range chain {
		if held.Kind == reflect.Pointer && typeName(held) == typeName(want) && len(held.Children) == 1 && held.Children[0].Addr == want.Children[0].Addr {
			return operand{typ: "bool", native: reflect.ValueOf(true)}, nil
		}
		if known, ok := errorTypes[typeName(held)]; !ok || known.message == nil || held.Kind != reflect.Pointer {
			return no, unknown("whether a %s is the error cannot be known here", short(typeName(held)))
		}
	}
	if !complete {
		return no, unknown("the chain of errors cannot be read as a whole")
	}
	return no, nil
}
