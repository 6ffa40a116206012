package dump

import (
	"cmp"
	"math/cmplx"
	"reflect"
	"slices"
	"strconv"
)

// Maps have no order. Their entries are shown in the order of their keys.

// key is the key of a map as text.
func (d *Dumper) key(v reflect.Value) string {
	inner := Dumper{src: d.src, secret: d.secret, owned: d.owned, values: min(d.values, 50), bytes: min(d.bytes, MaxText)}
	node := &Value{}
	inner.fill(node, v, true)
	name := node.line(MaxText)
	d.bytes -= len(name)
	return name
}

// entries returns the entries of a map, in the order of their keys.
func entries(v reflect.Value) (list []entry) {
	for each := v.MapRange(); len(list) < maxKeys && each.Next(); {
		list = append(list, entry{key: each.Key(), value: each.Value()})
	}
	slices.SortStableFunc(list, func(a, b entry) int { return compareKeys(a.key, b.key) })
	return list
}

// compareKeys orders the keys of a map: numbers by size, NaN before them, strings by their bytes;
// other keys stay in their given order.
func compareKeys(a, b reflect.Value) int {
	for a.Kind() == reflect.Interface && !a.IsNil() {
		a = a.Elem()
	}
	for b.Kind() == reflect.Interface && !b.IsNil() {
		b = b.Elem()
	}
	if a.Kind() != b.Kind() {
		return cmp.Compare(a.Kind(), b.Kind())
	}
	switch {
	case a.Kind() == reflect.String:
		return cmp.Compare(a.String(), b.String())
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	case a.CanFloat():
		return cmp.Compare(a.Float(), b.Float())
	case a.CanComplex():
		return cmp.Compare(cmplx.Abs(a.Complex()), cmplx.Abs(b.Complex()))
	case a.Kind() == reflect.Bool && a.Bool() != b.Bool():
		return map[bool]int{false: -1, true: 1}[a.Bool()]
	case a.Kind() == reflect.Array:
		for i := range a.Len() {
			if c := compareKeys(a.Index(i), b.Index(i)); c != 0 {
				return c
			}
		}
	case a.Kind() == reflect.Struct:
		for i := range a.NumField() {
			if c := compareKeys(a.Field(i), b.Field(i)); c != 0 {
				return c
			}
		}
	}
	return 0
}

// counted is a number with its noun, in the singular or plural.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
