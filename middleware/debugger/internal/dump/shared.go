package dump

import (
	"cmp"
	"reflect"
)

// Other goroutines may be writing to the values that they can reach. A word is always read as a
// whole. The same holds for a string, whose bytes do not change: with the length of another string
// it is, at worst, a wrong string. A pointer leads to a value of its type. The words of an
// interface or a slice belong together, and it is unknown which of these a method reads.

// close notes that a value was not read, unless the value's method has described it.
func (d *Dumper) close(node *Value, said, text string) {
	node.form, node.closed, node.Text = plainForm, true, cmp.Or(said, text)
}

// asks reports whether a value's method is called. It is called for the outermost value, for errors
// that no other goroutine reaches (errors are not changed once they are made), and for types whose
// methods read nothing that may be torn.
func (d *Dumper) asks(o *opening, t reflect.Type) bool {
	return d.owned || o.up == nil || steady(t) || !o.shared && t.Implements(errorType)
}

// maxCopied is how much of a slice is copied, in bytes.
const maxCopied = 64 << 10

// copied returns a copy of the beginning of a slice that others may write to, or nothing if its
// items hold pointers: with a wrong length it may contain any pointer.
func copied(v reflect.Value) reflect.Value {
	of := v.Type().Elem()
	if !free(of) || !v.CanAddr() || of.Size() == 0 || of.Size() > maxCopied {
		return reflect.Value{}
	}
	limit := maxItems
	if of.Kind() == reflect.Uint8 {
		limit = MaxField + 4
	}
	v = reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem() // even of a field that is not exported
	c := reflect.MakeSlice(v.Type(), min(v.Len(), limit, maxCopied/int(of.Size())), limit)
	reflect.Copy(c, v)
	return c
}

// free reports whether values of a type hold no pointers.
func free(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return free(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !free(t.Field(i).Type) {
				return false
			}
		}
		return true
	case reflect.String, reflect.Pointer, reflect.UnsafePointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.Chan, reflect.Func:
		return false
	}
	return true
}

// steady reports whether the methods of a type read nothing that may be torn.
func steady(t reflect.Type) bool {
	switch t.PkgPath() {
	case "time", "net/netip":
		return true
	}
	switch t.Kind() {
	case reflect.String:
		return true
	case reflect.Pointer:
		return t.Elem().Kind() != reflect.Pointer && steady(t.Elem())
	case reflect.Array:
		return steady(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i).Type; f.Kind() == reflect.Pointer || !steady(f) {
				return t == urlType
			}
		}
		return true
	}
	return free(t)
}
