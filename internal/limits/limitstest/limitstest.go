// Package limitstest checks that settings keep the contract of package limits. Each number, even at
// its extremes, must either work or be an error that names the field.
package limitstest

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// Check sets each number in settings to extreme values, one at a time, and calls use, which answers
// a request with it. The given settings must work. Use returns the status of the response, or an
// error if the settings are refused; it may also panic then, as Wrap does.
//
// A refusal must name the field. A request must not panic. With an extreme value a request must get
// the same status as with the default; only with the value 1 may it be refused.
func Check[T any](t *testing.T, settings T, use func(t *testing.T, settings T) (status int, err error)) {
	t.Helper()
	usual, err := try(t, settings, use)
	if err != nil {
		t.Fatalf("%T without a change: %v", settings, err)
	}
	for _, index := range numbers(reflect.TypeFor[T](), nil) {
		field := reflect.TypeFor[T]().FieldByIndex(index)
		name := path(reflect.TypeFor[T](), index)
		for _, value := range extremes(field.Type) {
			t.Run(fmt.Sprintf("%s is %v", name, value.Interface()), func(t *testing.T) {
				changed := settings
				reflect.ValueOf(&changed).Elem().FieldByIndex(index).Set(value)
				status, err := try(t, changed, use)
				switch {
				case err != nil:
					if fault, ok := err.(runtime.Error); ok || !regexp.MustCompile(`\b`+field.Name+`\b`).MatchString(err.Error()) {
						t.Errorf("refused without the name of the field: %v %v", err, fault)
					}
				case status == 500 || status != usual && !isOne(value):
					t.Errorf("answered with %d, and by default with %d", status, usual)
				}
			})
		}
	}
}

// HasNumbers reports whether settings have a number that [Check] would change.
func HasNumbers(settings any) bool { return len(numbers(reflect.TypeOf(settings), nil)) > 0 }

// try calls use, and returns its panic as an error.
func try[T any](t *testing.T, settings T, use func(*testing.T, T) (int, error)) (status int, err error) {
	defer func() {
		switch value := recover().(type) {
		case nil:
		case error:
			err = value
		default:
			err = fmt.Errorf("%v", value)
		}
	}()
	return use(t, settings)
}

// numbers returns the indexes of the fields that are numbers, in nested structs too.
func numbers(of reflect.Type, outer []int) (list [][]int) {
	for i := range of.NumField() {
		field := of.Field(i)
		index := append(append([]int(nil), outer...), i)
		switch {
		case !field.IsExported():
		case field.Type.Kind() == reflect.Struct && strings.HasPrefix(field.Type.PkgPath(), "github.com/zeugkit/zeug"):
			list = append(list, numbers(field.Type, index)...)
		case field.Type.Kind() == reflect.Int || field.Type.Kind() == reflect.Int64 || field.Type.Kind() == reflect.Float64:
			list = append(list, index)
		}
	}
	return list
}

func path(of reflect.Type, index []int) string {
	var names []string
	for i := range index {
		names = append(names, of.FieldByIndex(index[:i+1]).Name)
	}
	return strings.Join(names, ".")
}

func extremes(of reflect.Type) (values []reflect.Value) {
	if of.Kind() == reflect.Float64 {
		for _, f := range []float64{-1, 1, math.MaxFloat64, -math.MaxFloat64, math.NaN(), math.Inf(1), math.SmallestNonzeroFloat64} {
			values = append(values, reflect.ValueOf(f).Convert(of))
		}
		return values
	}
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if of.Kind() == reflect.Int {
		low, high = math.MinInt, math.MaxInt
	}
	for _, n := range []int64{0, -1, 1, low, high} {
		values = append(values, reflect.ValueOf(n).Convert(of))
	}
	return values
}

func isOne(v reflect.Value) bool { return v.CanInt() && v.Int() == 1 || v.CanFloat() }
