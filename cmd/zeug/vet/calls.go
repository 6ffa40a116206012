package vet

import (
	"fmt"
	"go/types"
	"slices"
)

const pongoPath = "github.com/flosch/pongo2/v6"

// checkArguments reports a call that pongo2 refuses, whichever code renders the template. pongo2 calls a function with
// the arguments that it is given, converts none of them, and calls a function without brackets, too.
func (p *program) checkArguments(e *environment, t *template, u *use, scenes []*scene) {
	if p.checkMacro(e, t, u, scenes) {
		return
	}
	var first *refusal
	for _, s := range scenes {
		if !s.executes(t, u) || u.local == nil && !s.has(u.root) {
			continue
		}
		for _, of := range p.typesOf(u, s, 0) {
			r := refused(of, u, func(tokens []lexeme) types.Type { return p.argumentType(tokens, e, scenes) })
			if r == nil {
				return
			}
			if first == nil {
				first = r
			}
		}
	}
	if first != nil && !t.foreign {
		p.reportWord(first.at, Templates, "", "%s", first.text)
	}
}

// checkMacro reports too many arguments for a macro, and returns true if the use is the call of one.
func (p *program) checkMacro(e *environment, t *template, u *use, scenes []*scene) bool {
	if !u.called || u.local != nil || slices.ContainsFunc(scenes, func(s *scene) bool { return len(s.known[u.root]) > 0 }) {
		return false
	}
	count, own := t.macros[u.root]
	if i, ok := t.imports[u.root]; ok {
		other := e.scanned[resolveName(t.name, i.template)]
		if own || other == nil {
			return true
		}
		count, own = other.macros[i.macro]
	}
	if own && len(u.args) > count {
		p.reportWord(u.at, Templates, "", "the macro %q takes %s, not %d", u.root, arguments(count), len(u.args))
	}
	return own
}

// refusal says why pongo2 refuses a call.
type refusal struct {
	text string
	at   span
}

// refused returns why pongo2 refuses a call in a use whose root has the type, nil if it does not or if that is not known.
func refused(t types.Type, u *use, typeOf func([]lexeme) types.Type) *refusal {
	path, at, called, args := u.root, u.at, u.called, u.args
	for i := 0; ; i++ {
		if t == nil || types.IsInterface(t) || isNamed(t, pongoPath, "Value") {
			return nil
		}
		if f, ok := t.Underlying().(*types.Signature); ok {
			if text := refusedBy(f, path, args, typeOf); text != "" {
				return &refusal{text, at}
			}
			t = f.Results().At(0).Type()
		} else if called {
			return &refusal{fmt.Sprintf("%q is not a function", path), at}
		}
		if i == len(u.steps) {
			return nil
		}
		s := u.steps[i]
		if s.index {
			t, path = element(t), path+"[…]"
		} else {
			if types.IsInterface(t) || isNamed(t, pongoPath, "Value") {
				return nil
			}
			next, _, found := member(t, s.name)
			if !found {
				return nil // see checkSteps
			}
			t, path = next, path+"."+s.name
		}
		at, called, args = s.at, s.called, s.args
	}
}

// refusedBy returns why a function cannot be called with the arguments, "" if it can.
func refusedBy(f *types.Signature, name string, args [][]lexeme, typeOf func([]lexeme) types.Type) string {
	if n := f.Results().Len(); n != 1 && (n != 2 || !types.IsInterface(f.Results().At(1).Type())) {
		return fmt.Sprintf("%q cannot be called, because it has %d results instead of one, or of one and an error", name, n)
	}
	var params []types.Type
	for v := range f.Params().Variables() {
		params = append(params, v.Type())
	}
	if len(params) > 0 && isNamed(params[0], pongoPath, "ExecutionContext") {
		params = params[1:]
	}
	if !f.Variadic() && len(args) != len(params) || f.Variadic() && len(args) < len(params)-1 {
		atLeast := ""
		if f.Variadic() {
			params, atLeast = params[:len(params)-1], "at least "
		}
		return fmt.Sprintf("%q takes %s%s, not %d", name, atLeast, arguments(len(params)), len(args))
	}
	for i, a := range args {
		want := params[min(i, len(params)-1)]
		if f.Variadic() && i >= len(params)-1 {
			want = params[len(params)-1].(*types.Slice).Elem()
		}
		got := typeOfLiteral(a)
		if got == nil {
			got = typeOf(a)
		}
		if isFixed(got) && isFixed(want) && !types.Identical(got, want) {
			return fmt.Sprintf("argument %d of %q is of type %s, and pongo2 does not convert values of type %s", i+1, name, shortType(want), shortType(got))
		}
	}
	return ""
}

// typeOfLiteral returns the type of an argument that is a literal, otherwise nil.
func typeOfLiteral(tokens []lexeme) types.Type {
	switch literal(tokens).(type) {
	case string:
		return types.Typ[types.String]
	case int:
		return types.Typ[types.Int]
	case float64:
		return types.Typ[types.Float64]
	case bool:
		return types.Typ[types.Bool]
	}
	return nil
}

// isFixed reports whether every value of the static type t has exactly this type. It is false for an unknown type,
// an interface, a type parameter, the type of an untyped constant, and pongo2.Value.
func isFixed(t types.Type) bool {
	if t == nil || types.IsInterface(t) || isNamed(t, pongoPath, "Value") {
		return false
	}
	if basic, ok := t.(*types.Basic); ok && basic.Info()&types.IsUntyped != 0 {
		return false
	}
	_, generic := t.(*types.TypeParam)
	return !generic
}

func shortType(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string { return p.Name() })
}

// arguments returns "1 argument" or "2 arguments".
func arguments(n int) string {
	if n == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", n)
}

// checkPairs reports loops with two names over a list, whichever code renders the template. pongo2 defines the second
// name for maps alone.
func (p *program) checkPairs(t *template, scenes []*scene) {
	for _, pair := range t.pairs {
		used := slices.ContainsFunc(t.uses, func(u *use) bool { return u.local == pair.local })
		if pair.of != nil && used && !t.foreign && p.loopsOverList(t, pair, scenes) {
			p.reportWord(pair.at, Templates, "", "%q is not defined, because the loop is over a list: for item in list has one name, and forloop.Counter0 is the index", pair.name)
		}
	}
}

func (p *program) loopsOverList(t *template, pair pair, scenes []*scene) (list bool) {
	for _, s := range scenes {
		if !s.executes(t, pair.of) {
			continue
		}
		if s.names[pair.name] || len(s.known[pair.name]) > 0 || pair.of.local == nil && !s.has(pair.of.root) {
			return false
		}
		for _, of := range p.typesOf(pair.of, s, 0) {
			end, missing := walk(of, pair.of)
			if missing != nil || !isList(end) {
				return false
			}
			list = true
		}
	}
	return list
}

func isList(t types.Type) bool {
	if t == nil {
		return false
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	switch t.Underlying().(type) {
	case *types.Slice, *types.Array:
		return true
	}
	return false
}
