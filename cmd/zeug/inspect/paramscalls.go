package inspect

import (
	"fmt"
	"reflect"

	"github.com/go-delve/delve/pkg/proc"
)

// The methods of routing.Params are known from the rule and the path, as params.go finds them.

// paramsMethod evaluates a method of routing.Params.
func (c *caller) paramsMethod(v *proc.Variable, name string, args []operand) (operand, error) {
	list, ok := c.params(v)
	if !ok {
		return operand{}, unknown("the params of this rule are not known here")
	}
	if name == "Len" && len(args) == 0 {
		return operand{typ: "int", native: reflect.ValueOf(len(list))}, nil
	}
	if len(args) != 1 || name != "Int" && name != "String" {
		return operand{}, errUnknownFunction(name)
	}
	arg, err := c.argument(args[0], basicTypes["string"])
	if err != nil {
		return operand{}, err
	}
	for _, p := range list {
		switch {
		case p.name != arg.String():
		case name == "String":
			return operand{typ: "string", native: reflect.ValueOf(p.plain)}, nil
		case p.number:
			var n int
			if _, err := fmt.Sscan(p.text, &n); err != nil {
				return operand{}, unknown("the param %s is not an int", p.name)
			}
			return operand{typ: "int", native: reflect.ValueOf(n)}, nil
		default:
			return operand{}, unknown("the param %s is a %s, not an int", p.name, p.converter)
		}
	}
	return operand{}, unknown("the rule has no param %s", arg.String())
}
