package dump

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/zeugkit/zeug/middleware/debugger/internal/place"
)

// A value's methods are called if its type holds nothing secret.

// said returns the result of the method Error or String of a value. It also reports whether that is
// all that can be shown, as for types of the standard library that hide their fields.
func (d *Dumper) said(v reflect.Value) (text string, leaf bool) {
	t := v.Type()
	base := t
	if t.Kind() == reflect.Pointer {
		// If the element has the method, it is called when the pointer is followed.
		if base = t.Elem(); v.IsNil() || base == urlType || says(base) {
			return "", false
		}
	}
	if pkg := base.PkgPath(); !v.CanInterface() && (pkg == "time" || pkg == "net/netip") && v.CanAddr() {
		v = reflect.NewAt(t, v.Addr().UnsafePointer()).Elem() // types whose methods call no methods of other types
	}
	if !v.CanInterface() || !says(t) && t != urlType || d.tells(t) {
		return "", false
	}
	var ask func() string
	switch m := v.Interface().(type) {
	case time.Time:
		return m.Format("2006-01-02 15:04:05.999999999 -0700 MST"), true
	case url.URL:
		return m.Redacted(), false
	case error:
		ask = m.Error
	case fmt.Stringer:
		ask = m.String
	}
	return d.src.ask(methodOf(v.Interface()), maxSaid, ask), opaque(base) && isStandard(base.PkgPath())
}

var (
	errorType = reflect.TypeFor[error]()
	stringer  = reflect.TypeFor[fmt.Stringer]()
	urlType   = reflect.TypeFor[url.URL]()
)

// says reports whether a type has a method Error or String. The methods of
// package context are not called: they reveal what a request carries.
func says(t reflect.Type) bool {
	return (t.Implements(errorType) || t.Implements(stringer)) && t.PkgPath() != "context" &&
		(t.Kind() != reflect.Pointer || t.Elem().PkgPath() != "context")
}

// opaque reports whether a struct has no exported field.
func opaque(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			return false
		}
	}
	return true
}

// isStandard reports whether a package belongs to Go itself: the first part of
// its path has no dot.
func isStandard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return pkg != "" && pkg != "main" && !strings.Contains(first, ".") && first != "command-line-arguments" &&
		first != strings.Split(place.Build().Main.Path, "/")[0]
}

// tells reports whether a type's method may reveal a secret: the type has, at some depth, a field
// with a secret name.
func (d *Dumper) tells(t reflect.Type) bool {
	if t == urlType || opaque(t) && isStandard(t.PkgPath()) && t.PkgPath() != "net/url" {
		return false // String leaves out the password of a URL, and Go's other types hold none
	}
	if known, ok := d.secretive[t]; ok {
		return known
	}
	if d.secretive == nil {
		d.secretive = map[reflect.Type]bool{}
	}
	d.secretive[t] = false // while it is being checked: types refer to themselves
	tells := false
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		tells = d.tells(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			tells = tells || d.hides(f.Name) && f.Type.Kind() != reflect.Bool || d.tells(f.Type)
		}
	}
	d.secretive[t] = tells
	return tells
}

// hides reports whether values of this name are masked.
func (d *Dumper) hides(name string) bool {
	return d.secret(name) || strings.EqualFold(name, "Cookie") || strings.EqualFold(name, "Set-Cookie")
}

// masks reports whether a value is secret because of its name. An empty value, true and false are
// not secrets.
func (d *Dumper) masks(e entry, name string) bool {
	if e.key.IsValid() {
		for e.key.Kind() == reflect.Interface {
			e.key = e.key.Elem()
		}
		if e.key.Kind() == reflect.String {
			name = e.key.String()
		}
	}
	return e.value.Kind() != reflect.Bool && d.hides(name) && !e.value.IsZero()
}
