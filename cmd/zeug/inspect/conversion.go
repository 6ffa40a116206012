package inspect

import (
	"errors"
	"fmt"
	"go/constant"
	"math"
	"reflect"
)

// Conversions between basic types, and from constants without a type.

// typed converts a constant without a type to the type given, as an assignment does. It does not
// change other operands.
func (o operand) typed(name string) (operand, error) {
	if o.typ != "" {
		return o, nil
	}
	t := basicTypes[name]
	if t == nil || o.constant == nil {
		return o, fmt.Errorf("a constant cannot be used as a %s here", name)
	}
	v := reflect.New(t).Elem()
	bad := fmt.Errorf("%s is not a valid %s", o.constant, name)
	switch {
	case t.Kind() == reflect.Bool:
		if o.constant.Kind() != constant.Bool {
			return o, bad
		}
		v.SetBool(constant.BoolVal(o.constant))
	case t.Kind() == reflect.String:
		if o.constant.Kind() != constant.String {
			return o, bad
		}
		v.SetString(constant.StringVal(o.constant))
	case v.CanFloat():
		c := constant.ToFloat(o.constant)
		if c.Kind() != constant.Float {
			return o, bad
		}
		f, _ := constant.Float64Val(c)
		if t.Kind() == reflect.Float32 {
			f32, _ := constant.Float32Val(c)
			f = float64(f32)
		}
		if math.IsInf(f, 0) {
			return o, bad
		}
		v.SetFloat(f)
	default:
		if err := setInteger(v, o.constant); err != nil {
			return o, bad
		}
	}
	if t.Kind() == reflect.Uint8 {
		name = "uint8"
	} else if name == "rune" {
		name = "int32"
	}
	return operand{typ: name, native: v}, nil
}

var errNotInteger = errors.New("not an integer of the type")

func setInteger(v reflect.Value, c constant.Value) error {
	c = constant.ToInt(c)
	if c.Kind() != constant.Int {
		return errNotInteger
	}
	if v.CanInt() {
		n, ok := constant.Int64Val(c)
		if !ok || v.OverflowInt(n) {
			return errNotInteger
		}
		v.SetInt(n)
		return nil
	}
	n, ok := constant.Uint64Val(c)
	if !ok || v.OverflowUint(n) {
		return errNotInteger
	}
	v.SetUint(n)
	return nil
}

// settled gives a constant its default type.
func (o operand) settled() (operand, error) {
	if o.typ == "" {
		return o.typed(o.kind)
	}
	return o, nil
}

var errNoFit = errors.New("does not fit into the type")

// converted converts an operand to a basic type, as T(x) does.
func (o operand) converted(name string) (operand, error) {
	if o.typ == "" && !(name == "string" && o.kind != "string") {
		return o.typed(name)
	}
	o, err := o.settled()
	if err != nil {
		return o, err
	}
	t := basicTypes[name]
	if !o.basic() || o.native.Kind() == reflect.Bool != (t.Kind() == reflect.Bool) {
		return o, fmt.Errorf("a %s cannot be converted to %s", o.typ, name)
	}
	from, to := o.native.Kind() == reflect.String, t.Kind() == reflect.String
	if from && !to || to && !from && o.native.CanFloat() {
		return o, fmt.Errorf("a %s cannot be converted to %s", o.typ, name)
	}
	if o.native.CanFloat() && t.Kind() != reflect.Float32 && t.Kind() != reflect.Float64 {
		// The result of converting a float that does not fit depends on the machine.
		f := math.Trunc(o.native.Float())
		low, high := -0x1p63, 0x1p63
		if reflect.New(t).Elem().CanUint() {
			low, high = 0, 0x1p64
		}
		if math.IsNaN(f) || f < low || f >= high || reflect.ValueOf(f).Convert(t).Convert(reflect.TypeFor[float64]()).Float() != f {
			return o, fmt.Errorf("%v %w, a %s: the result depends on the machine", o.native.Float(), errNoFit, name)
		}
	}
	switch name {
	case "byte":
		name = "uint8"
	case "rune":
		name = "int32"
	}
	return operand{typ: name, native: o.native.Convert(t)}, nil
}
