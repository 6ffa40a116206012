package inspect

import (
	"fmt"
	"math/big"
	"net/http"
	"net/textproto"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-delve/delve/pkg/proc"
)

// form writes a value of a known type. It returns false if the value is not as expected, for
// instance in a program of another Go version. The value is then written like any other.
type form func(w *view, v *proc.Variable) (text string, ok bool)

// forms has the types that are shown in a special form. The keys are their full names. [copiedTypes]
// are shown in a special form too.
var forms map[string]form

// inner lists what is shown inside a value of a known type, if that is not its fields.
var inner map[string]func(w *view, v *proc.Variable) ([]Variable, bool)

func init() { // the functions use the tables
	forms = map[string]form{
		"sync.Mutex":                     mutexForm,
		"sync.RWMutex":                   rwMutexForm,
		"sync.Once":                      onceForm,
		"sync.WaitGroup":                 waitGroupForm,
		"sync/atomic.Bool":               atomicForm,
		"sync/atomic.Int32":              atomicForm,
		"sync/atomic.Int64":              atomicForm,
		"sync/atomic.Uint32":             atomicForm,
		"sync/atomic.Uint64":             atomicForm,
		"sync/atomic.Uintptr":            atomicForm,
		"sync/atomic.Value":              atomicForm,
		"context.Context":                contextForm,
		"error":                          errorForm,
		"reflect.Value":                  reflectForm,
		"net/http.Request":               requestForm,
		zeugModule + "/wrappers.Request": requestForm,
		zeugModule + ".Request":          requestForm,
		zeugModule + "/routing.Params":   paramsForm,
		"database/sql.NullString":        nullForm,
		"database/sql.NullInt64":         nullForm,
		"database/sql.NullInt32":         nullForm,
		"database/sql.NullInt16":         nullForm,
		"database/sql.NullByte":          nullForm,
		"database/sql.NullFloat64":       nullForm,
		"database/sql.NullBool":          nullForm,
		"database/sql.NullTime":          nullForm,
	}
	inner = map[string]func(*view, *proc.Variable) ([]Variable, bool){
		"context.Context":                contextInside,
		"error":                          errorInside,
		zeugModule + "/wrappers.Request": requestInside,
		zeugModule + ".Request":          requestInside,
		zeugModule + "/routing.Params":   paramsInside,
	}
}

// ownForm writes a value in the form of its type, if it has one.
func (w *view) ownForm(v *proc.Variable) (text string, ok bool) {
	defer func() {
		if recover() != nil { // the core may hold anything
			text, ok = "", false
		}
	}()
	name := typeName(v)
	if f := forms[name]; f != nil {
		return f(w, v)
	}
	if rest, ok := strings.CutPrefix(name, "sync/atomic.Pointer["); ok {
		return w.atomicPointer(v, strings.TrimSuffix(rest, "]"))
	}
	if _, ok := copiedTypes[name]; ok {
		if value, err := w.copied(v); err == nil {
			return copiedForm(value, v)
		}
	}
	if isBytes(v) && (v.Kind == reflect.Array && v.Len > 0 || v.Base != 0) {
		b, err := w.bytesOf(v, maxString+4)
		if err != nil {
			return "", false
		}
		if v.Kind == reflect.Array && strings.HasSuffix(name, ".UUID") && len(b) == 16 {
			return uuid(b).String(), true
		}
		return octets(b, v.Len), true
	}
	return "", false
}

// copiedForm writes a value that was copied out of the core.
func copiedForm(value reflect.Value, v *proc.Variable) (string, bool) {
	switch x := value.Addr().Interface().(type) {
	case *time.Time:
		return printable(x.Round(0).String()), true // without the monotonic clock, which tells nothing here
	case *http.Header:
		return fieldsForm(*x), true
	case *textproto.MIMEHeader:
		return fieldsForm(*x), true
	case *url.Values:
		return fieldsForm(*x), true
	case *url.URL:
		return strconv.Quote(x.String()), true
	case *url.Userinfo:
		return strconv.Quote(x.String()), true
	case *big.Float:
		if exponent := x.MantExp(nil); exponent < -maxExponent || exponent > maxExponent {
			return "", false
		}
		return x.String(), true
	case fmt.Stringer: // of a pointer
		return printable(x.String()), true
	case error:
		return printable(x.Error()), true
	}
	if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8 {
		if value.IsNil() {
			return "nil", true
		}
		return octets(value.Bytes(), v.Len), true
	}
	return "", false
}

// maxExponent is the largest binary exponent of a big.Float that is written in decimal; larger
// exponents take longer to write.
const maxExponent = 1 << 14

// printable is a text of a known form, in quotes if it has characters that people do not see.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) >= 0 {
		return strconv.Quote(text)
	}
	return text
}

// fieldsForm writes a header or the values of a query: a list only where a name has several.
func fieldsForm[M ~map[string][]string](m M) string {
	if m == nil {
		return "nil"
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	b.WriteByte('[')
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Quote(name) + ": ")
		if values := m[name]; len(values) == 1 {
			b.WriteString(strconv.Quote(values[0]))
		} else {
			fmt.Fprintf(&b, "%q", values)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// nullForm writes a column that may be NULL.
func nullForm(w *view, v *proc.Variable) (string, bool) {
	v = w.opened(v)
	valid, ok := boolean(field(v, "Valid"))
	if !ok || len(v.Children) != 2 {
		return "", false
	}
	if !valid {
		return "NULL", true
	}
	return w.line(&v.Children[0]), true
}

// reflectForm writes what a reflect.Value holds.
func reflectForm(w *view, v *proc.Variable) (string, bool) {
	held, ok := w.reflected(v)
	if !ok {
		return "", false
	}
	if held == nil {
		return "(invalid)", true
	}
	return fmt.Sprintf("(%s) %s", short(typeName(held)), w.line(held)), true
}

// Bits of a reflect.Value's flag (reflect/value.go).
const (
	flagKindMask  = 1<<5 - 1
	flagIndirect  = 1 << 7
	flagMethod    = 1 << 9
	kindInterface = uint64(reflect.Interface)
)

// reflected reads what a reflect.Value holds, nil for the zero Value.
func (w *view) reflected(v *proc.Variable) (*proc.Variable, bool) {
	v = w.opened(v)
	typ, ptr, flag := field(v, "typ_"), field(v, "ptr"), field(v, "flag")
	n, ok := integer(flag)
	if typ == nil || ptr == nil || !ok || len(typ.Children) != 1 || len(ptr.Children) != 1 {
		return nil, false
	}
	kind, bits := uint64(n)&flagKindMask, uint64(n)
	if kind == 0 {
		return nil, true
	}
	if bits&flagMethod != 0 || kind == kindInterface {
		return nil, false
	}
	data := ptr.Children[0].Addr
	if bits&flagIndirect != 0 {
		switch reflect.Kind(kind) {
		case reflect.Pointer, reflect.Map, reflect.Chan, reflect.Func, reflect.UnsafePointer:
			// The Value points to the pointer; an interface would hold the pointer itself.
			word, err := w.word(data)
			if err != nil {
				return nil, false
			}
			data = word
		case reflect.Struct, reflect.Array:
			size, ok := integer(field(typ, "Size_"))
			if !ok || size == 8 { // an interface may hold it as a pointer
				return nil, false
			}
		}
	}
	held, err := w.dynamic(typ.Children[0].Addr, data)
	return held, err == nil
}

// requestForm writes the request line.
func requestForm(w *view, v *proc.Variable) (string, bool) {
	r, ok := w.httpRequest(v)
	if !ok {
		return "", false
	}
	method, ok := stringOf(field(r, "Method"))
	u := field(r, "URL")
	if !ok || u == nil || len(u.Children) != 1 {
		return "", false
	}
	if method == "" {
		method = "GET"
	}
	if u.Children[0].Addr == 0 {
		return printable(method) + " (no URL)", true
	}
	return printable(method) + " " + w.line(&u.Children[0]), true
}

// httpRequest returns the http.Request inside one of Zeug's requests, or v if v is an http.Request.
func (w *view) httpRequest(v *proc.Variable) (*proc.Variable, bool) {
	switch typeName(v) {
	case "net/http.Request":
	case zeugModule + "/wrappers.Request":
		v = field(v, "Request")
	default:
		v = field(v, "Request", "Request")
	}
	if v = pointed(v); v == nil {
		return nil, false
	}
	if len(v.Children) == 0 {
		again, err := w.again(v, shallow)
		return again, err == nil
	}
	return v, true
}

// requestInside shows the fields of the request that people look for, and no internals of Zeug's
// request.
func requestInside(w *view, v *proc.Variable) (list []Variable, ok bool) {
	again, err := w.again(v, whole)
	if err != nil {
		return nil, false
	}
	r, ok := w.httpRequest(again)
	if !ok {
		return nil, false
	}
	if params := field(again, "Params"); params != nil {
		list = append(list, w.show(params))
	}
	for _, name := range []string{"Method", "URL", "Host", "Header", "Body", "ContentLength", "RemoteAddr", "Form", "PostForm", "MultipartForm", "TLS", "Pattern", "ctx"} {
		if f := field(r, name); f != nil {
			shown := w.show(f)
			if shown.Value != "nil" && shown.Value != `""` {
				list = append(list, shown)
			}
		}
	}
	return list, len(list) > 0
}

// atomicForm writes the value inside an atomic one.
func atomicForm(w *view, v *proc.Variable) (string, bool) {
	v = w.opened(v)
	held := field(v, "v")
	if held == nil {
		return "", false
	}
	if typeName(v) == "sync/atomic.Bool" {
		n, ok := integer(held)
		return strconv.FormatBool(n != 0), ok
	}
	return w.line(held), true
}

func (w *view) atomicPointer(v *proc.Variable, elem string) (string, bool) {
	v = w.opened(v)
	held := field(v, "v")
	if held == nil || len(held.Children) != 1 {
		return "", false
	}
	addr := held.Children[0].Addr
	if addr == 0 {
		return "nil", true
	}
	value, err := w.load(elem, addr, shallow)
	if err != nil {
		return "", false
	}
	return "&" + w.line(value), true
}
