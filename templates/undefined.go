package templates

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/flosch/pongo2/v6"
)

// names holds the names in an expression of the form a.b.c or a.b.c(…), so that an undefined name
// can be distinguished from a nil value. It is empty for other expressions.
type names struct {
	parts    []string
	called   bool // the last name is called
	optional bool // a filter has a default
}

func namesOf(arguments *pongo2.Parser) (n names) {
	i := 0
	token := func() *pongo2.Token { return arguments.Get(i) }
	is := func(text string) bool {
		t := token()
		return t != nil && t.Typ == pongo2.TokenSymbol && t.Val == text
	}
	for t := token(); t != nil && t.Typ == pongo2.TokenIdentifier; t = token() {
		n.parts = append(n.parts, t.Val)
		if i++; !is(".") {
			break
		}
		i++
	}
	n.called = is("(")
	switch depth := 0; {
	case len(n.parts) == 0:
		return names{}
	case n.called:
		for ; token() != nil; i++ {
			if is("(") {
				depth++
			} else if is(")") {
				if depth--; depth == 0 {
					i++
					break
				}
			}
		}
	}
	if token() != nil && !is("|") {
		return names{} // an index, an operator, or an attribute of a result
	}
	for ; token() != nil; i++ {
		if t := token(); t.Val == "default" || t.Val == "default_if_none" {
			n.optional = true
		}
	}
	return n
}

// undefined returns an error if the expression, whose value is nil, has a name that does not exist.
// A function must always exist, a variable only during development. A missing key in a map is not
// an error.
func (n names) undefined(run *rendering, ctx *pongo2.ExecutionContext) error {
	if len(n.parts) == 0 || !n.called && (n.optional || !run.environment.options.Reload) {
		return nil
	}
	root, ok := ctx.Private[n.parts[0]]
	if !ok {
		root, ok = ctx.Public[n.parts[0]]
	}
	if !ok {
		return unknown(n.parts[0], "", slices.Concat(slices.Collect(maps.Keys(ctx.Private)), slices.Collect(maps.Keys(ctx.Public))))
	}
	for i, name := range n.parts[1:] {
		r := reflect.ValueOf(root)
		if v, ok := root.(*pongo2.Value); ok {
			r = reflect.ValueOf(v.Interface())
		}
		if !r.IsValid() || r.MethodByName(name).IsValid() {
			return nil
		}
		known := methodsOf(r.Type())
		for r.Kind() == reflect.Pointer || r.Kind() == reflect.Interface {
			if r = r.Elem(); !r.IsValid() {
				return nil
			}
		}
		last := n.called && i == len(n.parts)-2
		switch r.Kind() {
		case reflect.Struct:
			field := r.FieldByName(name)
			if !field.IsValid() {
				for _, f := range reflect.VisibleFields(r.Type()) {
					known = append(known, f.Name)
				}
				return unknown(name, strings.Join(n.parts[:i+1], "."), known)
			}
			if !field.CanInterface() {
				return nil
			}
			root = field.Interface()
		case reflect.Map:
			member := reflect.Value{}
			if r.Type().Key().Kind() == reflect.String {
				member = r.MapIndex(reflect.ValueOf(name).Convert(r.Type().Key()))
			}
			if !member.IsValid() {
				if last {
					return unknown(name, strings.Join(n.parts[:i+1], "."), known)
				}
				return nil
			}
			root = member.Interface()
		default:
			return nil
		}
	}
	return nil
}

func methodsOf(t reflect.Type) (known []string) {
	for i := range t.NumMethod() {
		known = append(known, t.Method(i).Name)
	}
	return known
}

// unknown is the error for a name that does not exist; it suggests the nearest one that does.
func unknown(name, of string, known []string) error {
	text := fmt.Sprintf("%q is not defined", name)
	if of != "" {
		text = fmt.Sprintf("%q has no %q", of, name)
	}
	switch name {
	case "url_for":
		return fmt.Errorf("%s: set Options.URLs, and render for a request", text)
	case "static_url":
		return fmt.Errorf("%s: set Options.StaticURL, and render for a request", text)
	}
	best, distance := "", max(2, len(name)/3)+1
	slices.Sort(known)
	for _, other := range known {
		if d := editDistance(strings.ToLower(name), strings.ToLower(other)); d < distance && !strings.HasPrefix(other, keyRendering) {
			best, distance = other, d
		}
	}
	if best != "" {
		return fmt.Errorf("%s: did you mean %q?", text, best)
	}
	return fmt.Errorf("%s", text)
}

// editDistance is the number of bytes to insert, remove or replace (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// missing is a function that is not defined. pongo2 would treat the call as nil.
func (run *rendering) missing(name string, calledBare bool, known pongo2.Context) func(...*pongo2.Value) (*pongo2.Value, error) {
	return func(arguments ...*pongo2.Value) (*pongo2.Value, error) {
		if len(arguments) == 0 && !calledBare {
			return pongo2.AsValue(nil), nil // {% if name %}
		}
		run.cause = unknown(name, "", slices.Concat(slices.Collect(maps.Keys(known)), slices.Collect(maps.Keys(run.environment.options.Globals))))
		return nil, run.cause
	}
}

// defineMissing adds a function to the context for each name that the template calls and nothing
// defines. The function returns an error.
func (run *rendering) defineMissing(context pongo2.Context, t *parsed) {
	for name, bare := range t.calls {
		if _, ok := context[name]; ok || t.macros[name] {
			continue
		}
		if _, ok := run.environment.options.Globals[name]; !ok {
			context[name] = run.missing(name, bare, maps.Clone(context))
		}
	}
}
