package inspect

import (
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"math"
	"reflect"
)

// Operators work as in Go: integers wrap around, constants without a type are exact and take the type
// of the other operand, and two types do not mix. An operation that Go does not compile is an error.

// constantKinds are the default types of constants. The result of an operation has the later type
// of the two.
var constantKinds = map[string]int{"int": 1, "rune": 2, "float64": 3}

// operate applies an operator as Go does.
func operate(op token.Token, x, y operand) (operand, error) {
	if op == token.SHL || op == token.SHR {
		return shift(op, x, y)
	}
	if x.typ == "" && y.typ == "" {
		return binaryConstants(op, x, y)
	}
	var err error
	if x, err = underTyped(x, y); err != nil {
		return x, err
	}
	if y, err = underTyped(y, x); err != nil {
		return y, err
	}
	if x.typ != y.typ {
		return x, fmt.Errorf("mismatched types %s and %s", x.typ, y.typ)
	}
	if !x.basic() || !y.basic() {
		return x, fmt.Errorf("operator %s cannot be applied to values of the type %s here", op, x.typ)
	}
	switch op {
	case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
		return compare(op, x, y)
	}
	result := reflect.New(x.native.Type()).Elem()
	switch {
	case x.native.Kind() == reflect.String:
		if op != token.ADD {
			return x, errOperator(op, x)
		}
		if x.native.Len()+y.native.Len() > maxOperand {
			return x, errors.New("the result is too long")
		}
		result.SetString(x.native.String() + y.native.String())
	case result.CanFloat():
		f, ok := floatOperation(op, x.native.Float(), y.native.Float())
		if !ok {
			return x, errOperator(op, x)
		}
		result.SetFloat(f) // which rounds a float32
	case result.CanInt():
		n, err := intOperation(op, x.native.Int(), y.native.Int())
		if err != nil {
			return x, err
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type())) // which wraps around
	case result.CanUint():
		n, err := intOperation(op, x.native.Uint(), y.native.Uint())
		if err != nil {
			return x, err
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	default:
		return x, errOperator(op, x)
	}
	return operand{typ: x.typ, native: result}, nil
}

func errOperator(op token.Token, x operand) error {
	return fmt.Errorf("operator %s is not defined on %s", op, x.typ)
}

// underTyped gives a constant the type of the other operand.
func underTyped(o, other operand) (operand, error) {
	if o.typ != "" || other.typ == "" {
		return o, nil
	}
	if !other.basic() {
		return o, errors.New("the value cannot be compared or computed with here")
	}
	converted, err := o.typed(other.native.Type().String())
	converted.typ = other.typ
	return converted, err
}

func binaryConstants(op token.Token, x, y operand) (operand, error) {
	if x.constant == nil || y.constant == nil {
		return x, errors.New("nil cannot be computed with")
	}
	numbers := constantKinds[x.kind] > 0 && constantKinds[y.kind] > 0
	if !numbers && x.kind != y.kind {
		return x, fmt.Errorf("mismatched types %s and %s", x.kind, y.kind)
	}
	kind := x.kind
	if constantKinds[y.kind] > constantKinds[x.kind] {
		kind = y.kind
	}
	if op == token.EQL || op == token.NEQ || op == token.LSS || op == token.LEQ || op == token.GTR || op == token.GEQ {
		if x.kind == "bool" && op != token.EQL && op != token.NEQ {
			return x, fmt.Errorf("operator %s is not defined on bool", op)
		}
		return operand{constant: constant.MakeBool(constant.Compare(x.constant, op, y.constant)), kind: "bool"}, nil
	}
	return computeConstants(op, x, y, kind, numbers)
}

// computeConstants applies an operator of arithmetic to constants. numbers says that both are numbers.
func computeConstants(op token.Token, x, y operand, kind string, numbers bool) (operand, error) {
	switch op {
	case token.QUO, token.REM:
		if !numbers || op == token.REM && kind == "float64" {
			return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
		}
		if constant.Sign(y.constant) == 0 {
			return x, errors.New("division by zero")
		}
		if kind != "float64" && op == token.QUO {
			op = token.QUO_ASSIGN // of integers
		}
	case token.ADD:
		if kind == "bool" {
			return x, fmt.Errorf("operator %s is not defined on bool", op)
		}
	case token.SUB, token.MUL:
		if !numbers {
			return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
		}
	case token.AND, token.OR, token.XOR, token.AND_NOT:
		if !numbers || kind == "float64" {
			return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
		}
	default:
		return x, fmt.Errorf("operator %s is not defined on %s", op, kind)
	}
	a, b := x.constant, y.constant
	if kind == "float64" {
		a, b = constant.ToFloat(a), constant.ToFloat(b)
	}
	return operand{constant: constant.BinaryOp(a, op, b), kind: kind}, nil
}

func shift(op token.Token, x, y operand) (operand, error) {
	if x.typ == "" || !x.basic() || !x.native.CanInt() && !x.native.CanUint() {
		return x, errors.New("only values with a type are shifted here")
	}
	y, err := y.settled()
	if err != nil {
		return y, err
	}
	var count uint64
	switch {
	case y.native.IsValid() && y.native.CanUint():
		count = y.native.Uint()
	case y.native.IsValid() && y.native.CanInt() && y.native.Int() >= 0:
		count = uint64(y.native.Int())
	default:
		return y, errors.New("a shift by a negative number")
	}
	result := reflect.New(x.native.Type()).Elem()
	if x.native.CanInt() {
		n := x.native.Int()
		if op == token.SHL {
			n <<= count
		} else {
			n >>= count
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	} else {
		n := x.native.Uint()
		if op == token.SHL {
			n <<= count
		} else {
			n >>= count
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	}
	return operand{typ: x.typ, native: result}, nil
}

func floatOperation(op token.Token, x, y float64) (float64, bool) {
	switch op {
	case token.ADD:
		return x + y, true
	case token.SUB:
		return x - y, true
	case token.MUL:
		return x * y, true
	case token.QUO:
		return x / y, true
	}
	return 0, false
}

func intOperation[T int64 | uint64](op token.Token, x, y T) (T, error) {
	switch op {
	case token.ADD:
		return x + y, nil
	case token.SUB:
		return x - y, nil
	case token.MUL:
		return x * y, nil
	case token.AND:
		return x & y, nil
	case token.OR:
		return x | y, nil
	case token.XOR:
		return x ^ y, nil
	case token.AND_NOT:
		return x &^ y, nil
	case token.QUO, token.REM:
		if y == 0 {
			return 0, errors.New("division by zero")
		}
		if op == token.QUO {
			return x / y, nil
		}
		return x % y, nil
	}
	return 0, fmt.Errorf("operator %s is not defined on integers", op)
}

func compare(op token.Token, x, y operand) (operand, error) {
	var less, equal bool
	a, b := x.native, y.native
	switch {
	case a.Kind() == reflect.String:
		less, equal = a.String() < b.String(), a.String() == b.String()
	case a.Kind() == reflect.Bool:
		if op != token.EQL && op != token.NEQ {
			return x, errOperator(op, x)
		}
		equal = a.Bool() == b.Bool()
	case a.CanFloat():
		if math.IsNaN(a.Float()) || math.IsNaN(b.Float()) {
			return operand{typ: "bool", native: reflect.ValueOf(op == token.NEQ)}, nil
		}
		less, equal = a.Float() < b.Float(), a.Float() == b.Float()
	case a.CanInt():
		less, equal = a.Int() < b.Int(), a.Int() == b.Int()
	default:
		less, equal = a.Uint() < b.Uint(), a.Uint() == b.Uint()
	}
	result := false
	switch op {
	case token.EQL:
		result = equal
	case token.NEQ:
		result = !equal
	case token.LSS:
		result = less
	case token.LEQ:
		result = less || equal
	case token.GTR:
		result = !less && !equal
	case token.GEQ:
		result = !less
	}
	return operand{typ: "bool", native: reflect.ValueOf(result)}, nil
}

// unary applies an operator to one operand.
func unary(op token.Token, x operand) (operand, error) {
	if x.typ == "" {
		switch {
		case x.constant == nil, op == token.NOT && x.kind != "bool", op != token.NOT && constantKinds[x.kind] == 0, op == token.XOR && x.kind == "float64":
			return x, fmt.Errorf("operator %s is not defined on %s", op, x.kind)
		}
		return operand{constant: constant.UnaryOp(op, x.constant, 0), kind: x.kind}, nil
	}
	if !x.basic() {
		return x, errOperator(op, x)
	}
	result := reflect.New(x.native.Type()).Elem()
	switch {
	case op == token.NOT && result.Kind() == reflect.Bool:
		result.SetBool(!x.native.Bool())
	case op == token.ADD && (result.CanInt() || result.CanUint() || result.CanFloat()):
		result.Set(x.native)
	case op == token.SUB && result.CanFloat():
		result.SetFloat(-x.native.Float())
	case (op == token.SUB || op == token.XOR) && result.CanInt():
		n := -x.native.Int()
		if op == token.XOR {
			n = ^x.native.Int()
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	case (op == token.SUB || op == token.XOR) && result.CanUint():
		n := -x.native.Uint()
		if op == token.XOR {
			n = ^x.native.Uint()
		}
		result.Set(reflect.ValueOf(n).Convert(result.Type()))
	default:
		return x, errOperator(op, x)
	}
	return operand{typ: x.typ, native: result}, nil
}
