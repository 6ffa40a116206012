package inspect

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-delve/delve/pkg/proc"
)

// The result of an expression with calls is shown like a variable.

// describe shows an operand as a variable.
func (w *view) describe(o operand) (Variable, error) {
	switch {
	case len(o.list) > 0:
		return w.describeList(o.list)
	case o.own != nil:
		return w.describeOwn(o)
	case o.null:
		return Variable{Type: o.typ, Value: "nil"}, nil
	case o.target != nil:
		v, err := w.scope.EvalExpression(fmt.Sprintf("(*%q)(%#x)", typeName(o.target), o.target.Addr), shallow)
		if err != nil {
			return Variable{}, err
		}
		return w.show(v), nil
	}
	o, err := o.settled()
	if err != nil {
		return Variable{}, err
	}
	if o.core != nil {
		return w.show(o.core), nil
	}
	shown := Variable{Type: o.typ}
	switch v := o.native; {
	case !v.IsValid():
		return shown, errors.New("the value is not known")
	case o.typ == "time.Duration":
		shown.Value = time.Duration(v.Int()).String()
	case o.typ == "time.Month":
		shown.Value = fmt.Sprintf("%v (%d)", time.Month(v.Int()), v.Int())
	case o.typ == "time.Weekday":
		shown.Value = fmt.Sprintf("%v (%d)", time.Weekday(v.Int()), v.Int())
	case v.Kind() == reflect.String && basicTypes["string"] == v.Type():
		s := v.String()
		shown.Value = quoted(s[:min(len(s), maxString)], int64(len(s)))
		shown.Note = fmt.Sprintf("%d bytes", len(s))
	case v.Kind() == reflect.Float32 && v.Type() == basicTypes["float32"]:
		shown.Value = strconv.FormatFloat(v.Float(), 'g', -1, 32)
	case v.Kind() == reflect.Float64:
		shown.Value = strconv.FormatFloat(v.Float(), 'g', -1, 64)
	case o.basic() && basicTypes[v.Type().String()] == v.Type():
		shown.Value = fmt.Sprint(v.Interface())
	default:
		copied := reflect.New(v.Type()).Elem()
		copied.Set(v)
		text, ok := copiedForm(copied, &proc.Variable{Len: int64(lengthOf(v))})
		if !ok {
			return shown, errors.New("the value has no form here")
		}
		shown.Value = cut(text)
	}
	return shown, nil
}

func lengthOf(v reflect.Value) int {
	if v.Kind() == reflect.Slice {
		return v.Len()
	}
	return 0
}

// describeList shows several results as one value.
func (w *view) describeList(list []operand) (Variable, error) {
	var names, values []string
	for _, o := range list {
		shown, err := w.describe(o)
		if err != nil {
			return shown, err
		}
		if shown.Unreadable != "" {
			return shown, errors.New(shown.Unreadable)
		}
		names, values = append(names, shown.Type), append(values, shown.Value)
	}
	return Variable{Type: "(" + strings.Join(names, ", ") + ")", Value: cut(strings.Join(values, ", "))}, nil
}
