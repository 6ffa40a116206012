package inspect

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"go/constant"
	"go/token"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/service/api"
)

// line writes a value on one line, without its type, which stands beside it. An interface keeps the
// type of what it holds: "(*main.user) &{…}".
func (w *view) line(v *proc.Variable) string {
	var b strings.Builder
	w.write(&b, v, 0)
	return cut(b.String())
}

// maxNesting is how deep a line goes into a value.
const maxNesting = 6

func (w *view) write(b *strings.Builder, v *proc.Variable, depth int) {
	switch {
	case b.Len() > maxValue: // it will be cut there
		return
	case v.Unreadable != nil:
		fmt.Fprintf(b, "(unreadable: %v)", v.Unreadable)
		return
	case depth > maxNesting:
		b.WriteString("…")
		return
	}
	if text, ok := w.ownForm(v); ok {
		b.WriteString(text)
		return
	}
	if len(v.Children) > 0 && errors.Is(v.Children[0].Unreadable, errLeftStack) && (v.Kind == reflect.Struct || v.Kind == reflect.Slice || v.Kind == reflect.Array) {
		fmt.Fprintf(b, "(unreadable: %v)", errLeftStack) // once, instead of for each part
		return
	}
	switch v.Kind {
	case reflect.Struct:
		w.writeStruct(b, v, depth)
	case reflect.Slice, reflect.Array:
		w.writeList(b, v, depth)
	case reflect.Map:
		w.writeMap(b, v, depth)
	case reflect.Pointer:
		w.writePointer(b, v, depth)
	case reflect.Interface:
		w.writeInterface(b, v, depth)
	case reflect.Func:
		w.writeFunc(b, v, depth)
	case reflect.Chan:
		b.WriteString(w.channel(v))
	default:
		if w.isNegativeZero(v) {
			b.WriteByte('-')
		}
		b.WriteString(scalar(v))
	}
}

func (w *view) writeStruct(b *strings.Builder, v *proc.Variable, depth int) {
	if len(v.Children) == 0 && v.Len > 0 {
		b.WriteString("{…}")
		return
	}
	b.WriteByte('{')
	for i := range v.Children {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(v.Children[i].Name + ": ")
		w.write(b, &v.Children[i], depth+1)
	}
	b.WriteByte('}')
}

func (w *view) writeList(b *strings.Builder, v *proc.Variable, depth int) {
	if v.Kind == reflect.Slice && v.Base == 0 && v.Len == 0 {
		b.WriteString("nil")
		return
	}
	b.WriteByte('[')
	for i := range v.Children {
		if i > 0 {
			b.WriteString(", ")
		}
		w.write(b, &v.Children[i], depth+1)
	}
	writeRest(b, v.Len-int64(len(v.Children)), len(v.Children))
	b.WriteByte(']')
}

// writeRest says how many items of a list are not shown.
func writeRest(b *strings.Builder, left int64, shown int) {
	switch {
	case left <= 0:
	case shown == 0:
		fmt.Fprintf(b, "…%d", left)
	default:
		fmt.Fprintf(b, ", … %d more", left)
	}
}

func (w *view) writeMap(b *strings.Builder, v *proc.Variable, depth int) {
	if v.Base == 0 && v.Len == 0 && len(v.Children) == 0 {
		b.WriteString("nil")
		return
	}
	b.WriteByte('[')
	entries := w.entries(v)
	for i, e := range entries {
		if i > 0 {
			b.WriteString(", ")
		}
		w.write(b, e.key, depth+1)
		b.WriteString(": ")
		w.write(b, e.value, depth+1)
	}
	writeRest(b, v.Len-int64(len(entries)), len(entries))
	b.WriteByte(']')
}

// entry is an entry of a map.
type entry struct{ key, value *proc.Variable }

// entries lists what was read of a map, sorted by its keys.
func (w *view) entries(v *proc.Variable) []entry {
	var list []entry
	for i := 0; i+1 < len(v.Children); i += 2 {
		list = append(list, entry{&v.Children[i], &v.Children[i+1]})
	}
	slices.SortStableFunc(list, func(a, b entry) int { return compareKeys(a.key, b.key) })
	return list
}

// compareKeys orders numbers and strings as Go does, false before true, and other keys by their text.
func compareKeys(a, b *proc.Variable) int {
	if a.Kind == reflect.Interface && b.Kind == reflect.Interface && len(a.Children) == 1 && len(b.Children) == 1 {
		return cmp.Or(cmp.Compare(typeName(&a.Children[0]), typeName(&b.Children[0])), compareKeys(&a.Children[0], &b.Children[0]))
	}
	if a.Value == nil || b.Value == nil || a.Value.Kind() != b.Value.Kind() {
		return cmp.Compare(fmt.Sprint(a.Value), fmt.Sprint(b.Value))
	}
	switch a.Value.Kind() {
	case constant.String:
		return cmp.Compare(constant.StringVal(a.Value), constant.StringVal(b.Value))
	case constant.Bool:
		return cmp.Compare(a.Value.ExactString(), b.Value.ExactString())
	case constant.Int, constant.Float:
		switch {
		case constant.Compare(a.Value, token.LSS, b.Value):
			return -1
		case constant.Compare(b.Value, token.LSS, a.Value):
			return 1
		}
	}
	return 0
}

func (w *view) writePointer(b *strings.Builder, v *proc.Variable, depth int) {
	switch {
	case len(v.Children) == 0 || v.Children[0].Addr == 0:
		b.WriteString("nil")
	case v.Children[0].OnlyAddr:
		fmt.Fprintf(b, "%#x", v.Children[0].Addr)
	default:
		if text, ok := w.ownForm(&v.Children[0]); ok {
			b.WriteString(text) // a *url.URL reads like a URL
			return
		}
		b.WriteByte('&')
		w.write(b, &v.Children[0], depth+1)
	}
}

func (w *view) writeInterface(b *strings.Builder, v *proc.Variable, depth int) {
	if len(v.Children) == 0 || v.Children[0].Kind == reflect.Invalid && v.Children[0].Addr == 0 {
		b.WriteString("nil")
		return
	}
	inner := &v.Children[0]
	if _, ok := errorTypes[typeName(inner)]; ok {
		if text, ok := errorForm(w, v); ok {
			b.WriteString(text)
			return
		}
	}
	fmt.Fprintf(b, "(%s) ", short(typeName(inner)))
	if inner.OnlyAddr {
		b.WriteString("…")
		return
	}
	w.write(b, inner, depth+1)
}

// writeFunc writes a function by its name and line, and a closure with what it has captured.
func (w *view) writeFunc(b *strings.Builder, v *proc.Variable, depth int) {
	if v.Base == 0 || v.Value == nil {
		b.WriteString("nil")
		return
	}
	b.WriteString(short(constant.StringVal(v.Value)))
	if fn := w.scope.BinInfo.PCToFunc(v.Base); fn != nil {
		if file, line := w.scope.BinInfo.EntryLineForFunc(fn); file != "" {
			fmt.Fprintf(b, " (%s:%d)", path.Base(file), line)
		}
	}
	for i := range v.Children {
		if i == 0 {
			b.WriteString(" with ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(v.Children[i].Name + ": ")
		w.write(b, &v.Children[i], depth+2)
	}
}

// channel says how many values wait in a channel.
func (w *view) channel(v *proc.Variable) string {
	count, ok1 := integer(field(v, "qcount"))
	size, ok2 := integer(field(v, "dataqsiz"))
	closed, ok3 := integer(field(v, "closed"))
	if v.Base == 0 && len(v.Children) == 0 {
		return "nil"
	}
	if !ok1 || !ok2 || !ok3 {
		count, ok1 = integer(named(v.Children, "qcount"))
		size, ok2 = integer(named(v.Children, "dataqsiz"))
		closed, ok3 = integer(named(v.Children, "closed"))
	}
	if !ok1 || !ok2 || !ok3 {
		return fmt.Sprintf("%#x", v.Base)
	}
	text := fmt.Sprintf("%d of %d waiting", count, size)
	if size == 0 {
		text = "unbuffered"
	}
	if closed != 0 {
		text += ", closed"
	}
	return text
}

func named(children []proc.Variable, name string) *proc.Variable {
	for i := range children {
		if children[i].Name == name {
			return &children[i]
		}
	}
	return nil
}

// scalar writes a value that has no inside, as Go does.
func scalar(v *proc.Variable) string {
	if v.Kind == reflect.Invalid {
		return "nil"
	}
	if v.Value == nil {
		if v.Kind == reflect.UnsafePointer && len(v.Children) == 1 {
			if v.Children[0].Addr == 0 {
				return "nil"
			}
			return fmt.Sprintf("%#x", v.Children[0].Addr)
		}
		return "?"
	}
	switch v.Kind {
	case reflect.String:
		return quoted(constant.StringVal(v.Value), v.Len)
	case reflect.Float32:
		return float(v, 32)
	case reflect.Float64:
		return float(v, 64)
	case reflect.Complex64, reflect.Complex128:
		re, _ := constant.Float64Val(constant.Real(v.Value))
		im, _ := constant.Float64Val(constant.Imag(v.Value))
		bits := 128
		if v.Kind == reflect.Complex64 {
			bits = 64
		}
		return strconv.FormatComplex(complex(re, im), 'g', -1, bits)
	case reflect.Uint:
		if n, ok := constant.Uint64Val(v.Value); ok && v.RealType.Common().Name == "uintptr" {
			return fmt.Sprintf("%#x", n)
		}
	}
	return api.VariableValueAsString(v)
}

func float(v *proc.Variable, bits int) string {
	switch v.FloatSpecial {
	case proc.FloatIsPosInf:
		return "+Inf"
	case proc.FloatIsNegInf:
		return "-Inf"
	case proc.FloatIsNaN:
		return "NaN"
	}
	f, _ := constant.Float64Val(v.Value)
	return strconv.FormatFloat(f, 'g', -1, bits)
}

// quoted is a string as Go writes it. If it is not the whole one, its length follows.
func quoted(s string, length int64) string {
	if int64(len(s)) >= length {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:boundary(s)]) + fmt.Sprintf("… (%d bytes)", length)
}

// boundary returns where to end a string so that it does not end within a character.
func boundary(s string) int {
	for i := len(s) - 1; i >= 0 && i >= len(s)-utf8.UTFMax; i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:]) {
				return i
			}
			break
		}
	}
	return len(s)
}

// octets writes bytes as text if they are valid text, otherwise as hexadecimal digits. length is
// how many there are.
func octets(b []byte, length int64) string {
	text := string(b)
	if int64(len(b)) < length {
		text = text[:boundary(text)]
	}
	if utf8.ValidString(text) && strings.IndexFunc(text, unseen) < 0 {
		return quoted(text, length)
	}
	shown := b[:min(len(b), 64)]
	s := "0x" + hex.EncodeToString(shown)
	if int64(len(shown)) < length {
		s += fmt.Sprintf("… (%d bytes)", length)
	}
	return s
}

// unseen reports whether a character is one that people do not see.
func unseen(r rune) bool {
	return !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t'
}

// note returns what to show beside a value: its length.
func note(v *proc.Variable) string {
	switch {
	case v.Unreadable != nil || v.DwarfType == nil:
		return ""
	case v.Kind == reflect.String && v.Len == 1:
		return "1 byte"
	case v.Kind == reflect.String:
		return fmt.Sprintf("%d bytes", v.Len)
	case v.Kind == reflect.Slice && v.Base == 0:
		return ""
	case v.Kind == reflect.Slice && v.Cap != v.Len:
		return fmt.Sprintf("len %d, cap %d", v.Len, v.Cap)
	case v.Kind == reflect.Slice || v.Kind == reflect.Map && (v.Len > 0 || v.Base != 0):
		return fmt.Sprintf("len %d", v.Len)
	}
	return ""
}
