package inspect

import (
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"
)

// A function of this process is called with copies of the program's values. It must be one whose
// result depends on its arguments alone, and the program must have been built by the same version of Go.

// native calls a function of this process.
func (c *caller) native(name string, f reflect.Value, operands []operand) (o operand, err error) {
	if err := c.sameVersion(); err != nil {
		return o, err
	}
	if operands, err = c.spreadOut(operands); err != nil {
		return o, err
	}
	t := f.Type()
	if t.NumOut() != 1 {
		return o, unknown("%s has %d results", name, t.NumOut())
	}
	fixed := t.NumIn()
	if t.IsVariadic() {
		fixed--
	}
	if len(operands) < fixed || len(operands) > fixed && !t.IsVariadic() {
		return o, unknown("%s takes %d arguments", name, fixed)
	}
	var args []reflect.Value
	for i, arg := range operands {
		want := t.In(min(i, t.NumIn()-1))
		if t.IsVariadic() && i >= fixed {
			want = want.Elem()
		}
		value, err := c.argument(arg, want)
		if err != nil {
			return o, err
		}
		args = append(args, value)
	}
	if name == "fmt.Sprintf" && strings.Contains(args[0].String(), "p") && slices.ContainsFunc(args, func(v reflect.Value) bool { return v.Kind() == reflect.Map || v.Kind() == reflect.Slice }) {
		return o, unknown("a format with the letter p may show an address, which is not known here")
	}
	defer func() {
		switch p := recover(); p.(type) {
		case nil:
		case tooLong:
			err = unknown("the result of %s is too long", name)
		default:
			err = unknown("%s panics: %v", name, p)
		}
	}()
	result := f.Call(args)[0]
	if result.Kind() == reflect.String && result.Len() > maxOperand {
		return o, unknown("the result of %s is too long", name)
	}
	if list, ok := result.Interface().([]string); ok {
		return c.stringsOf(list, !strings.Contains(name, ".")), nil // the result of a method may be an array of the program
	}
	return nativeOperand(result)
}

// argument is an argument of a function of this process.
func (c *caller) argument(o operand, want reflect.Type) (value reflect.Value, err error) {
	if o.typ == "" && want.Kind() != reflect.Interface {
		o, err = o.typed(want.String())
	} else {
		o, err = o.settled()
	}
	if err != nil {
		return value, err
	}
	if item := basicTypes[strings.TrimPrefix(o.typ, "[]")]; o.own != nil && item != nil && (want == reflect.SliceOf(item) || want == reflect.TypeFor[any]()) {
		value = reflect.MakeSlice(reflect.SliceOf(item), 0, len(o.own.items()))
		for _, i := range o.own.items() {
			value = reflect.Append(value, i.native)
		}
		return value, nil
	}
	if !o.native.IsValid() {
		return c.stringList(o, want)
	}
	return passed(o, want)
}

// stringList copies a []string of the program for a function that takes one.
func (c *caller) stringList(o operand, want reflect.Type) (value reflect.Value, err error) {
	if want != reflect.TypeFor[[]string]() || o.core == nil || o.typ != "[]string" {
		return value, unknown("a %s cannot be passed to a function here", o.typ)
	}
	value = reflect.New(want).Elem()
	full, err := c.again(o.core, whole)
	if err != nil {
		return value, err
	}
	return value, c.copyInto(value, full, 0)
}

// passed is a value in the form in which a function of this process takes it.
func passed(o operand, want reflect.Type) (value reflect.Value, err error) {
	if t, ok := o.native.Interface().(time.Time); ok && t.Location() == unknownZone {
		return value, errUnknownZone
	}
	// A value of a named type of the program may have methods that the function would call.
	known := copiedTypes[o.typ]
	if known == nil {
		known = basicTypes[o.typ]
	}
	native := o.native
	if o.typ == "time.Duration" {
		native = native.Convert(known)
	}
	switch {
	case known == nil || native.Type() != known || known == reflect.TypeFor[uuid]():
		return value, unknown("a %s cannot be passed to a function here", o.typ)
	case want.Kind() == reflect.Interface && want.NumMethod() == 0 && (known.Kind() != reflect.Struct || known.PkgPath() == "time" || known.PkgPath() == "net/netip"):
		return native, nil
	case want == known:
		return native, nil
	case want.Kind() == reflect.Pointer && want.Elem() == known:
		pointer := reflect.New(known)
		pointer.Elem().Set(native)
		return pointer, nil
	}
	return value, unknown("a %s cannot be used as a %v", o.typ, want)
}

func (c *caller) copiedMethod(target operand, methods, name string, args []operand) (operand, error) {
	if !strings.Contains(methods, " "+name+" ") || !target.native.IsValid() {
		return target, errUnknownFunction(name)
	}
	if t, ok := target.native.Interface().(time.Time); ok && t.Location() == unknownZone {
		return target, errUnknownZone
	}
	t := copiedTypes[target.typ]
	receiver := reflect.New(t)
	receiver.Elem().Set(target.native.Convert(t))
	return c.native(name, receiver.MethodByName(name), args)
}

// sameVersion refuses a program of another version of Go, whose functions may do something else.
func (c *caller) sameVersion() error {
	producer := c.scope.BinInfo.Producer()
	minor := func(version string) string {
		_, version, _ = strings.Cut(version, "go1.")
		end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			return version
		}
		return version[:end]
	}
	if got, own := minor(producer), minor(runtime.Version()); got != own {
		return unknown("the program was built with Go 1.%s, and zeug with Go 1.%s: a call might have another result", got, own)
	}
	return nil
}
