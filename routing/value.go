package routing

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/google/uuid"
)

// A Value holds the common types without a pointer, so that a URL with an id and a name is built
// without boxing them:
//
//	With("id", 7)                  intValue, bits 7
//	With("q", "a b")               textValue, text "a b"
//	With("page", uint8(2))         uintValue, bits 2, found by reflection
//	With("at", time.Second)        otherValue: it has a String method, and the URL has "1s"
//	With("tag", []string{"x"})     listValue: several parameters of a query, or the text of its only element
//	With("u", [16]byte{…})         uuidValue, whatever the name of the array's type is
//	With[any]("q", nil)            nilValue, as if the value were not given
//
// A kind says how the value is written, not what its Go type is. Converters of the application get
// the value itself, if its type is not one of those that are held without a pointer.

// Value is a named value for [Adapter.Build]. Make it with [With], or make several with [Pairs].
type Value struct {
	name string
	kind valueKind
	// bits is an integer in two's complement, the bits of a float64, or 1 for true.
	bits  uint64
	text  string // of a textValue
	other any    // a list, a UUID, or a value for a custom converter
}

// valueKind says which field of a Value holds it. The zero kind is nil, so Value{} is a value that
// is not given.
type valueKind uint8

const (
	nilValue valueKind = iota
	textValue
	intValue // of any signed type; a uint64 may not fit it
	uintValue
	floatValue
	boolValue
	uuidValue
	listValue
	otherValue // has a method for its text, or needs a custom converter
)

// With names a value for a URL: a variable of the rule or, if the rule has no such variable, an
// argument of the query. In a query, a nil is left out, and a slice repeats the name.
//
// Numbers, strings, bools, UUIDs (any array of 16 bytes), an [encoding.TextMarshaler] and an
// [fmt.Stringer] are supported; any other type needs a custom converter.
func With[V any](name string, value V) Value {
	// The common types are read through a pointer that does not escape, so that they are never
	// boxed. Other types, such as "type ID int", are boxed, and found by reflection.
	switch v := any(&value).(type) {
	case *string:
		return Value{name: name, kind: textValue, text: *v}
	case *int:
		return Value{name: name, kind: intValue, bits: uint64(*v)}
	case *int64:
		return Value{name: name, kind: intValue, bits: uint64(*v)}
	case *bool:
		return Value{name: name, kind: boolValue, bits: bit(*v)}
	case *float64:
		return Value{name: name, kind: floatValue, bits: math.Float64bits(*v)}
	}
	return valueOf(name, any(value))
}

// Pairs makes values from alternating names and values. Use it for values whose types are known
// only at run time (a template's). It returns an error if a name is not a string or if the last
// value is missing.
func Pairs(namesAndValues ...any) ([]Value, error) {
	// An error counts the pairs from 1.
	values := make([]Value, 0, len(namesAndValues)/2)
	for i := 0; i < len(namesAndValues); i += 2 {
		name, ok := namesAndValues[i].(string)
		if !ok {
			return nil, fmt.Errorf("routing: value %d needs a name before it, not %T", i/2+1, namesAndValues[i])
		}
		if i+1 == len(namesAndValues) {
			return nil, fmt.Errorf("routing: the value of %q is missing", name)
		}
		values = append(values, valueOf(name, namesAndValues[i+1]))
	}
	return values, nil
}

// Name returns the value's name.
func (v Value) Name() string { return v.name }

// any returns the value as an interface. An intValue becomes an int, whatever integer type it had.
// Params.Get returns it for a default, and Converter.Format gets it. A uint8(2) comes back as a
// uint64.
func (v Value) any() any {
	switch v.kind {
	case nilValue:
		return nil
	case textValue:
		return v.text
	case intValue:
		return int(v.bits)
	case uintValue:
		return v.bits
	case floatValue:
		return v.float()
	case boolValue:
		return v.bits != 0
	}
	return v.other
}

func (v Value) float() float64 { return math.Float64frombits(v.bits) }

// valueOf finds the kind of a value, even if its type is a named type.
//
//	type Slug string; Slug("x")   textValue "x"
//	7 as an int8                  intValue
//	a *int that points to 7       intValue
//	a nil *int                    nilValue
//	time.Second                   otherValue, since it has a String method
//	struct{}{}                    otherValue, which only a custom converter can write
func valueOf(name string, value any) Value {
	switch v := value.(type) {
	case nil:
		return Value{name: name}
	case Value: // With("b", With("a", 1)): the outer name counts
		v.name = name
		return v
	case string:
		return Value{name: name, kind: textValue, text: v}
	case uuid.UUID:
		return Value{name: name, kind: uuidValue, other: v}
	}
	r := reflect.ValueOf(value)
	if r.Kind() == reflect.Pointer || r.Kind() == reflect.Interface {
		// A nil pointer with a method for its text would panic in that method.
		if r.IsNil() {
			return Value{name: name}
		}
	}
	// The order of the next tests matters. UUID types of libraries are TextMarshalers too, and a kind of
	// their own spares the uuid converter a check. A type with a method for its text is written by that
	// method, even if it is a number below: time.Duration is, and so are most enumerations.
	if isUUIDType(r.Type()) {
		return Value{name: name, kind: uuidValue, other: r.Convert(reflect.TypeFor[uuid.UUID]()).Interface()}
	}
	switch value.(type) {
	case encoding.TextMarshaler, fmt.Stringer:
		return Value{name: name, kind: otherValue, other: value}
	}
	switch {
	case r.CanInt():
		return Value{name: name, kind: intValue, bits: uint64(r.Int())}
	case r.CanUint():
		return Value{name: name, kind: uintValue, bits: r.Uint()}
	case r.CanFloat():
		return Value{name: name, kind: floatValue, bits: math.Float64bits(r.Float())}
	}
	switch r.Kind() {
	case reflect.String:
		return Value{name: name, kind: textValue, text: r.String()}
	case reflect.Bool:
		return Value{name: name, kind: boolValue, bits: bit(r.Bool())}
	// A form or a database has *int and *string for values that may be missing.
	case reflect.Pointer:
		return valueOf(name, r.Elem().Interface())
	case reflect.Slice, reflect.Array:
		return Value{name: name, kind: listValue, other: value}
	}
	return Value{name: name, kind: otherValue, other: value}
}

// isUUIDType reports whether t is an array of 16 bytes, as the UUID types of most packages and
// database drivers are.
func isUUIDType(t reflect.Type) bool {
	return t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8
}

// list returns the elements of a list, each with the name of the list. A []byte is one text. A
// named element type keeps its method: a []time.Duration has the texts "1s" and "2s".
func (v Value) list() []Value {
	r := reflect.ValueOf(v.other)
	if r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
		return []Value{{name: v.name, kind: textValue, text: string(r.Bytes())}}
	}
	elements := make([]Value, r.Len())
	for i := range elements {
		elements[i] = valueOf(v.name, r.Index(i).Interface())
	}
	return elements
}

// appendText appends the value's plain text to b. A list of one element has the text of that element,
// as url.Values and forms have lists even if there is one value.
//
//	7                 "7"
//	2.0               "2.0"
//	true              "true", not Python's "True"
//	[]string{"x"}     "x"
//	[]byte("ab")      "ab"
//	nil, struct{}{}   errors
func (v Value) appendText(b []byte) ([]byte, error) {
	switch v.kind {
	case textValue:
		return append(b, v.text...), nil
	case intValue:
		return strconv.AppendInt(b, int64(v.bits), 10), nil
	case uintValue:
		return strconv.AppendUint(b, v.bits, 10), nil
	case floatValue:
		return appendFloat(b, v.float())
	case boolValue:
		return strconv.AppendBool(b, v.bits != 0), nil
	case uuidValue:
		return append(b, v.other.(uuid.UUID).String()...), nil
	}
	// MarshalText comes first: that of a time.Time is 2024-01-02T00:00:00Z, and its String is for
	// people.
	switch o := v.other.(type) {
	case encoding.TextMarshaler:
		text, err := o.MarshalText()
		return append(b, text...), err
	case fmt.Stringer:
		return append(b, o.String()...), nil
	}
	if v.kind == nilValue {
		return b, fmt.Errorf("it is nil")
	}
	if v.kind == listValue {
		if elements := v.list(); len(elements) == 1 {
			return elements[0].appendText(b)
		}
	}
	return b, fmt.Errorf("a %T has no text", v.other)
}

// Text returns the value as a string, before it is percent-encoded. It returns an error if the
// value has no text: it is nil, or a list of several values.
func (v Value) Text() (string, error) {
	if v.kind == textValue {
		return v.text, nil
	}
	b, err := v.appendText(nil)
	return string(b), err
}

// appendFloat appends f without an exponent and with a point, so that the float converter reads it
// again.
//
//	2       "2.0"
//	1e-9    "0.000000001"
//	1e21    "1000000000000000000000.0"
//	NaN     an error
func appendFloat(b []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return b, fmt.Errorf("%v has no digits", f)
	}
	start := len(b)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	for _, c := range b[start:] {
		if c == '.' {
			return b, nil
		}
	}
	return append(b, '.', '0'), nil
}

// equal reports whether v and o are the same value. Numbers of different types can be equal: the
// rule's default is page=1, an int, and the value may be an int64 of a database, or 1.0 of a
// template. A number and its text are different.
func (v Value) equal(o Value) bool {
	if v.kind == o.kind {
		switch v.kind {
		case nilValue:
			return true
		case textValue:
			return v.text == o.text
		case intValue, uintValue, boolValue:
			return v.bits == o.bits
		case floatValue:
			return v.float() == o.float()
		}
		// UUIDs, lists and values of other types. DeepEqual does not panic for a slice, as ==
		// would.
		return reflect.DeepEqual(v.other, o.other)
	}
	x, number := v.number()
	y, other := o.number()
	return number && other && x == y
}

// number returns the value as a float64, with which numbers of different kinds are compared. Above
// 2^53 neighbours become equal. That can only make a default accept a value that is off by one, and
// only if their kinds differ.
func (v Value) number() (float64, bool) {
	switch v.kind {
	case intValue:
		return float64(int64(v.bits)), true
	case uintValue:
		return float64(v.bits), true
	case floatValue:
		return v.float(), true
	}
	return 0, false
}

// bit is 1 for true.
func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
