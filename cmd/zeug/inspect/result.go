package inspect

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/go-delve/delve/pkg/proc"
)

// The result of an expression with calls is shown like a variable.

// describe shows an operand as a variable.
func (w *view) describe(o operand) (Variable, error) {
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
	case v.Type() == reflect.TypeFor[[]string]():
		list := v.Interface().([]string)
		shown.Note = fmt.Sprintf("len %d", len(list))
		for i, item := range list {
			shown.Value += map[bool]string{true: "[", false: " "}[i == 0] + strconv.Quote(item)
			if len(shown.Value) > maxValue {
				break
			}
		}
		if len(list) == 0 {
			shown.Value = "["
		}
		shown.Value = cut(shown.Value + "]")
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
