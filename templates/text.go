package templates

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/flosch/pongo2/v6"
)

// output is a TemplateWriter in memory.
type output struct{ strings.Builder }

// escaper escapes text for HTML, in elements and in attributes.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;")

// safeField is the field of a pongo2.Value that says whether the value is HTML already. pongo2 has
// no method for that.
var safeField = func() []int {
	field, ok := reflect.TypeFor[pongo2.Value]().FieldByName("safe")
	if !ok || field.Type.Kind() != reflect.Bool {
		panic("templates: this version of pongo2 keeps the mark of safe values elsewhere")
	}
	return field.Index
}()

func isSafe(v *pongo2.Value) bool { return reflect.ValueOf(v).Elem().FieldByIndex(safeField).Bool() }

// maxTextDepth limits how deep a value is printed, in case it contains itself.
const maxTextDepth = 20

// textOf returns a value in the form for people. Strings are unchanged, numbers have their shortest
// form, and nil is "". Types with an Error or String method use its result. Lists are [a, b], and
// maps and structs {a: b}, with exported fields only.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(appendText(nil, v, 0))
}

func appendText(b []byte, v any, depth int) []byte {
	if depth > maxTextDepth {
		return append(b, "…"...)
	}
	r := reflect.ValueOf(v)
	if (r.Kind() == reflect.Pointer || r.Kind() == reflect.Map || r.Kind() == reflect.Slice) && r.IsNil() {
		return b
	}
	switch v := v.(type) {
	case nil:
		return b
	case error:
		return append(b, v.Error()...)
	case *pongo2.Value:
		return appendText(b, v.Interface(), depth)
	case *cycling:
		return appendText(b, v.current, depth)
	case fmt.Stringer:
		return append(b, v.String()...)
	case []byte:
		if utf8.Valid(v) {
			return append(b, v...)
		}
	}
	return appendKind(b, r, depth+1)
}

func appendKind(b []byte, r reflect.Value, depth int) []byte {
	switch r.Kind() {
	case reflect.String:
		return append(b, r.String()...)
	case reflect.Bool:
		if r.Bool() {
			return append(b, "True"...)
		}
		return append(b, "False"...)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, r.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(b, r.Uint(), 10)
	case reflect.Float32:
		return strconv.AppendFloat(b, r.Float(), 'f', -1, 32)
	case reflect.Float64:
		return strconv.AppendFloat(b, r.Float(), 'f', -1, 64)
	case reflect.Complex64, reflect.Complex128:
		return append(b, strconv.FormatComplex(r.Complex(), 'f', -1, 128)...)
	case reflect.Pointer, reflect.Interface:
		return appendText(b, r.Elem().Interface(), depth)
	case reflect.Slice, reflect.Array:
		b = append(b, '[')
		for i := range r.Len() {
			b = appendText(comma(b, i), r.Index(i).Interface(), depth)
		}
		return append(b, ']')
	case reflect.Map:
		return appendMap(b, r, depth)
	case reflect.Struct:
		return appendStruct(b, r, depth)
	}
	return append(b, r.Type().String()...)
}

func appendMap(b []byte, r reflect.Value, depth int) []byte {
	type member struct{ key, value []byte }
	var members []member
	for key, value := range r.Seq2() {
		members = append(members, member{appendText(nil, key.Interface(), depth), appendText(nil, value.Interface(), depth)})
	}
	slices.SortFunc(members, func(a, b member) int { return strings.Compare(string(a.key), string(b.key)) })
	b = append(b, '{')
	for i, m := range members {
		b = append(append(append(comma(b, i), m.key...), ": "...), m.value...)
	}
	return append(b, '}')
}

func appendStruct(b []byte, r reflect.Value, depth int) []byte {
	b = append(b, '{')
	shown := 0
	for i := range r.NumField() {
		field := r.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		b = append(append(comma(b, shown), field.Name...), ": "...)
		b = appendText(b, r.Field(i).Interface(), depth)
		shown++
	}
	return append(b, '}')
}

func comma(b []byte, i int) []byte {
	if i == 0 {
		return b
	}
	return append(b, ", "...)
}

// filterPrefix is put before the names of the filters that replace pongo2's own
// in the templates of this package.
const filterPrefix = "zeug_"

// maxWidth is the width up to which a filter may pad a string, in characters. maxDecimals is how many
// digits it may write after the point.
const (
	maxWidth    = 10_000
	maxDecimals = 1_000
)

// ownFilters are filters in which pongo2 has a defect: no limit, a panic, HTML that is not escaped,
// or HTML that is escaped twice.
var ownFilters = map[string]pongo2.FilterFunction{
	"add":                filterAdd,
	"escape":             filterEscape,
	"e":                  filterEscape,
	"join":               filterJoin,
	"floatformat":        within("floatformat", -maxDecimals, maxDecimals),
	"center":             within("center", 0, maxWidth),
	"ljust":              within("ljust", 0, maxWidth),
	"rjust":              within("rjust", 0, maxWidth),
	"truncatechars":      within("truncatechars", 0, 1<<30),
	"truncatewords":      within("truncatewords", 0, 1<<30),
	"wordwrap":           filterWordWrap,
	"truncatechars_html": asSafeAsBefore("truncatechars_html"),
	"truncatewords_html": asSafeAsBefore("truncatewords_html"),
}

// textFilters are the filters of pongo2 that work on text. If the value is an error, a list or a
// struct, pongo2 passes them the name of its type.
var textFilters = []string{
	"addslashes", "capfirst", "cut", "escapejs", "iriencode", "linebreaks", "linebreaksbr", "linenumbers", "lower",
	"removetags", "split", "striptags", "title", "upper", "urlencode", "urlize", "urlizetrunc", "wordcount",
}

func init() {
	for _, name := range textFilters {
		ownFilters[name] = ofText(name)
	}
	for name, f := range ownFilters {
		if err := pongo2.RegisterFilter(filterPrefix+name, f); err != nil {
			panic(err)
		}
	}
}

func filterEscape(in, _ *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	if isSafe(in) {
		return in, nil
	}
	return pongo2.AsSafeValue(escaper.Replace(textOf(in.Interface()))), nil
}

// ofText returns a filter of pongo2 that works on the result of textOf.
func ofText(name string) pongo2.FilterFunction {
	return func(in, argument *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
		return pongo2.ApplyFilter(name, asText(in), argument)
	}
}

func asText(v *pongo2.Value) *pongo2.Value {
	if v.IsNil() {
		return v
	}
	return pongo2.AsValue(textOf(v.Interface()))
}

func filterAdd(in, other *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	if !in.IsNumber() || !other.IsNumber() {
		in, other = asText(in), asText(other)
	}
	return pongo2.ApplyFilter("add", in, other)
}

func filterJoin(in, separator *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	if !in.CanSlice() {
		return in, nil
	}
	parts := make([]string, in.Len())
	for i := range parts {
		parts[i] = textOf(in.Index(i).Interface())
	}
	return pongo2.AsValue(strings.Join(parts, separator.String())), nil
}

// within returns a filter of pongo2 whose number must be between two others.
func within(name string, least, most int) pongo2.FilterFunction {
	return func(in, number *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
		if n := number.Integer(); n < least || n > most {
			return nil, refusal(name, fmt.Errorf("%d is not between %d and %d", n, least, most))
		}
		if name != "floatformat" {
			in = asText(in)
		}
		return pongo2.ApplyFilter(name, in, number)
	}
}

func refusal(name string, err error) *pongo2.Error {
	return &pongo2.Error{Sender: "filter:" + name, OrigError: fmt.Errorf("filter %s: %w", name, err)}
}

// filterWordWrap puts the given number of words on each line. pongo2's filter panics if there are
// few words.
func filterWordWrap(in, number *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
	words, n := strings.Fields(textOf(in.Interface())), number.Integer()
	if n <= 0 {
		return nil, refusal("wordwrap", errors.New("the number of words is not positive"))
	}
	var lines []string
	for line := range slices.Chunk(words, n) {
		lines = append(lines, strings.Join(line, " "))
	}
	return pongo2.AsValue(strings.Join(lines, "\n")), nil
}

// asSafeAsBefore returns a filter of pongo2 that works on HTML. Its result counts as HTML only if
// the value did; pongo2 does not escape the result of any text.
func asSafeAsBefore(name string) pongo2.FilterFunction {
	return func(in, number *pongo2.Value) (*pongo2.Value, *pongo2.Error) {
		out, err := pongo2.ApplyFilter(name, asText(in), number)
		if err != nil || isSafe(in) {
			return out, err
		}
		return pongo2.AsValue(out.String()), nil
	}
}
