package debugger

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// A panic's value and an error are the application's: their methods may panic,
// block or end the goroutine, and what they hold may be huge or contain itself.
// They are printed as fmt's %+v would, within these limits.
const (
	maxMessage  = 32 << 10               // bytes of a text
	maxItems    = 64                     // items of a slice or a map
	maxNesting  = 6                      // levels of structs, pointers and items
	maxValues   = 2000                   // of all these
	maxPatience = 500 * time.Millisecond // for all methods of a report
)

// printed is [sources.print] for a value by itself.
func printed(value any) string { return new(sources).print(value) }

// print returns a value as text. What it calls of the application runs on
// another goroutine, and is left behind where it does not return: after
// maxPatience in all no more is called.
func (s *sources) print(value any) string {
	if text, ok := value.(string); ok {
		return cut(text, maxMessage)
	}
	method := methodOf(value)
	if s.impatient {
		return "(not asked: an earlier method did not return)"
	}
	if s.patience == nil {
		s.patience = time.NewTimer(maxPatience)
	}
	done := make(chan string, 1) // nobody waits for a late one
	go func() {
		text := "(its " + method + " ended the goroutine)"
		defer func() {
			if p := recover(); p != nil {
				text = "(its " + method + " panicked: " + cut(fmt.Sprintf("%v", plainPanic(p)), 256) + ")"
			}
			done <- text
		}()
		switch v := value.(type) {
		case error:
			text = cut(v.Error(), maxMessage)
		case fmt.Stringer:
			text = cut(v.String(), maxMessage)
		default:
			p := printer{left: new(int)}
			*p.left = maxValues
			p.value(reflect.ValueOf(value), 0)
			text = cut(p.String(), maxMessage)
		}
	}()
	select {
	case text := <-done:
		return text
	case <-s.patience.C:
		s.impatient = true
		return "(its " + method + " did not return within " + maxPatience.String() + ")"
	}
}

func methodOf(value any) string {
	switch value.(type) {
	case error:
		return "Error method"
	case fmt.Stringer:
		return "String method"
	}
	return "printing"
}

// plainPanic is the value of a panic if fmt prints it without calling methods.
func plainPanic(p any) any {
	switch v := p.(type) {
	case string, bool, int:
		return v
	case interface {
		error
		RuntimeError()
	}:
		return v.Error()
	}
	return typeName(p)
}

// typeName is the type of a value, as %T has it, "nil" for none.
func typeName(value any) string {
	if value == nil {
		return "nil"
	}
	return cut(reflect.TypeOf(value).String(), 1<<10)
}

// cut shortens a text to some limit of bytes, and says how long it was.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for end > limit-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + fmt.Sprintf("… (%d bytes)", len(s))
}

// printer writes values within the limits. Methods are called of what is
// exported only, as fmt does.
type printer struct {
	strings.Builder
	path []uintptr // of pointers, maps and slices that are being printed
	left *int      // how many more values are printed
}

func (p *printer) value(v reflect.Value, depth int) {
	if *p.left--; *p.left < 0 {
		return
	}
	if !v.IsValid() {
		p.WriteString("<nil>")
		return
	}
	if depth > 0 && v.CanInterface() && p.said(v) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		if depth == 0 {
			p.WriteString(cut(v.String(), maxMessage))
			return
		}
		p.WriteString(strconv.Quote(cut(v.String(), 1<<10)))
	case reflect.Interface:
		p.value(v.Elem(), depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if v.IsNil() {
			p.WriteString("<nil>")
			return
		}
		fmt.Fprintf(p, "(%s)(%#x)", v.Type(), v.Pointer())
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() {
			p.WriteString("<nil>")
			return
		}
		at := v.Pointer()
		if v.Kind() == reflect.Slice && v.Len() == 0 {
			p.WriteString("[]")
			return
		}
		if slices.Contains(p.path, at) || depth > maxNesting {
			p.WriteString("…")
			return
		}
		p.path = append(p.path, at)
		p.inside(v, depth+1)
		p.path = p.path[:len(p.path)-1]
	case reflect.Struct, reflect.Array:
		if depth > maxNesting {
			p.WriteString("…")
			return
		}
		p.inside(v, depth+1)
	default:
		fmt.Fprintf(p, "%v", v) // numbers and booleans
	}
}

// said writes what the value's own method says of it.
func (p *printer) said(v reflect.Value) (ok bool) {
	defer func() {
		if recover() != nil {
			p.WriteString("(panicked)")
			ok = true
		}
	}()
	switch m := v.Interface().(type) {
	case error:
		p.WriteString(cut(m.Error(), 1<<10))
	case fmt.Stringer:
		p.WriteString(cut(m.String(), 1<<10))
	default:
		return false
	}
	return true
}

func (p *printer) inside(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Pointer:
		p.WriteByte('&')
		p.value(v.Elem(), depth)
	case reflect.Struct:
		p.WriteByte('{')
		for i := range v.NumField() {
			if i > 0 {
				p.WriteByte(' ')
			}
			p.WriteString(v.Type().Field(i).Name + ":")
			p.value(v.Field(i), depth)
		}
		p.WriteByte('}')
	case reflect.Slice, reflect.Array:
		p.WriteByte('[')
		for i := range min(v.Len(), maxItems) {
			if i > 0 {
				p.WriteByte(' ')
			}
			p.value(v.Index(i), depth)
		}
		p.more(v.Len() - maxItems)
		p.WriteByte(']')
	case reflect.Map:
		p.WriteString("map[")
		var entries []string
		for each := v.MapRange(); len(entries) < maxItems && each.Next(); {
			inner := printer{path: p.path, left: p.left}
			inner.value(each.Key(), depth)
			inner.WriteByte(':')
			inner.value(each.Value(), depth)
			entries = append(entries, inner.String())
		}
		slices.Sort(entries)
		p.WriteString(strings.Join(entries, " "))
		p.more(v.Len() - maxItems)
		p.WriteByte(']')
	}
}

func (p *printer) more(n int) {
	if n > 0 {
		fmt.Fprintf(p, " … (%d more)", n)
	}
}
