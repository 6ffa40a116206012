package vet

import (
	"go/token"
	"go/types"
)

// typesOf returns the types that the root of a use may have in a scene. A nil type is one that is
// not known.
func (p *program) typesOf(u *use, s *scene, level int) []types.Type {
	if level > 8 {
		return []types.Type{nil}
	}
	if u.local != nil {
		return p.typesOfLocal(u.local, s, level)
	}
	var list []types.Type
	for _, l := range s.given[u.root] {
		list = append(list, p.typesOfLocal(l, s, level)...)
	}
	if t, ok := s.types[u.root]; ok && len(s.known[u.root]) == 0 {
		return append(list, t)
	}
	for _, e := range s.known[u.root] {
		list = append(list, p.typeOf(e.value))
	}
	if len(list) == 0 || s.names[u.root] && len(s.known[u.root]) == 0 {
		list = append(list, nil)
	}
	return list
}

// typesOfLocal returns the types that a name defined by a tag may have.
func (p *program) typesOfLocal(l *local, s *scene, level int) (list []types.Type) {
	if l.loop {
		return []types.Type{loopInformation}
	}
	if l.of == nil {
		return []types.Type{nil}
	}
	for _, t := range p.typesOf(l.of, s, level+1) {
		end, missing := walk(t, l.of)
		if missing != nil {
			end = nil
		}
		list = append(list, inLoop(end, l))
	}
	return list
}

// typeOf returns the type of the value that a template gets.
func (p *program) typeOf(b bound) types.Type {
	t := p.info.TypeOf(b.expr)
	if t == nil {
		return nil
	}
	if basic, ok := t.(*types.Basic); ok && basic.Kind() == types.UntypedNil {
		return nil
	}
	if types.IsInterface(t) {
		if list, complete := p.resolve(b); complete && len(list) == 1 && list[0].expr != b.expr {
			if t = p.info.TypeOf(list[0].expr); t != nil && !types.IsInterface(t) && list[0].result == 0 {
				if _, tuple := t.(*types.Tuple); !tuple {
					return t
				}
			}
		}
		return nil
	}
	if _, generic := t.(*types.TypeParam); generic {
		return nil
	}
	return t
}

// loopInformation is the type of forloop.
var loopInformation = func() types.Type {
	var fields []*types.Var
	for _, name := range []string{"Counter", "Counter0", "Revcounter", "Revcounter0"} {
		fields = append(fields, types.NewField(0, nil, name, types.Typ[types.Int], false))
	}
	for _, name := range []string{"First", "Last"} {
		fields = append(fields, types.NewField(0, nil, name, types.Typ[types.Bool], false))
	}
	fields = append(fields, types.NewField(0, nil, "Parentloop", types.NewInterfaceType(nil, nil), false))
	return types.NewStruct(fields, nil)
}()

// inLoop returns the type of a local name, from the type of the value that the loop iterates over.
func inLoop(t types.Type, l *local) types.Type {
	if t == nil || !l.element && !l.key && !l.second {
		return t
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	var of types.Type
	switch u := t.Underlying().(type) {
	case *types.Slice:
		of = u.Elem()
	case *types.Array:
		of = u.Elem()
	case *types.Map:
		if l.second {
			return known(u.Elem())
		}
		return known(u.Key())
	}
	if of == nil || l.second {
		return nil
	}
	return known(of)
}

// known returns a type, or nil for an interface, whose values may be anything.
func known(t types.Type) types.Type {
	if types.IsInterface(t) {
		return nil
	}
	return t
}

// returning is the type of a function without parameters.
func returning(t types.Type) types.Type {
	return types.NewSignatureType(nil, nil, nil, nil, types.NewTuple(types.NewVar(0, nil, "", t)), false)
}

// urlFor and staticURL are the types of url_for and static_url.
var (
	urlFor    = function(true, types.Typ[types.String], types.NewSlice(types.NewInterfaceType(nil, nil)))
	staticURL = function(false, types.Typ[types.String])
)

// function is the type of a function that returns a string.
func function(variadic bool, params ...types.Type) types.Type {
	var list []*types.Var
	for _, t := range params {
		list = append(list, types.NewVar(0, nil, "", t))
	}
	return types.NewSignatureType(nil, nil, nil, types.NewTuple(list...), types.NewTuple(types.NewVar(0, nil, "", types.Typ[types.String])), variadic)
}

// blockInformation is the type of block, in the words of Go.
var blockInformation = types.NewStruct([]*types.Var{
	types.NewField(0, nil, "Super", returning(types.Typ[types.String]), false),
}, nil)

// missingStep is a field or method that does not exist.
type missingStep struct {
	of, name string
	known    []string
	at       span
}

// walk returns the type at the end of a use, nil if it is not known.
func walk(t types.Type, u *use) (types.Type, *missingStep) {
	if t = called(t); t == nil {
		return nil, nil
	}
	path := u.root
	for _, s := range u.steps {
		if t == nil || types.IsInterface(t) || isNamed(t, "github.com/flosch/pongo2/v6", "Value") {
			return nil, nil
		}
		if s.index {
			t = called(element(t))
			path += "[…]"
			continue
		}
		next, known, found := member(t, s.name)
		if !found {
			return nil, &missingStep{path, s.name, known, s.at}
		}
		t = called(next)
		path += "." + s.name
	}
	return t, nil
}

// called returns the result of a function, which pongo2 calls, and any other type as it is.
func called(t types.Type) types.Type {
	if t == nil {
		return nil
	}
	if f, ok := t.Underlying().(*types.Signature); ok {
		if f.Results().Len() == 0 {
			return nil
		}
		return f.Results().At(0).Type()
	}
	return t
}

func element(t types.Type) types.Type {
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	switch u := t.Underlying().(type) {
	case *types.Slice:
		return u.Elem()
	case *types.Array:
		return u.Elem()
	case *types.Map:
		return u.Elem()
	}
	return nil
}

// member returns the type of a field or method as pongo2 finds it. A nil type is not known.
func member(t types.Type, name string) (next types.Type, known []string, found bool) {
	set := types.NewMethodSet(t)
	for i := range set.Len() {
		f := set.At(i).Obj()
		if !f.Exported() {
			continue
		}
		if f.Name() == name {
			return f.Type(), nil, true
		}
		known = append(known, f.Name())
	}
	if ptr, ok := t.Underlying().(*types.Pointer); ok {
		t = ptr.Elem()
	}
	switch u := t.Underlying().(type) {
	case *types.Struct:
		if name != "" && !token.IsExported(name) {
			if hasField(u, name) {
				return nil, nil, true // pongo2 decides
			}
		}
		o, _, _ := types.LookupFieldOrMethod(t, true, nil, name)
		if v, ok := o.(*types.Var); ok {
			return v.Type(), nil, true
		}
		return nil, append(known, fieldsOf(u, 0)...), false
	case *types.Map:
		if b, ok := u.Key().Underlying().(*types.Basic); ok && b.Kind() == types.String {
			return u.Elem(), nil, true
		}
		return nil, nil, true
	case *types.Interface, *types.TypeParam:
		return nil, nil, true
	}
	return nil, known, false
}

func hasField(s *types.Struct, name string) bool {
	for f := range s.Fields() {
		if f.Name() == name {
			return true
		}
	}
	return false
}

func fieldsOf(s *types.Struct, level int) (names []string) {
	for f := range s.Fields() {
		if f.Exported() {
			names = append(names, f.Name())
		}
		if f.Embedded() && level < 3 {
			t := f.Type()
			if ptr, ok := t.(*types.Pointer); ok {
				t = ptr.Elem()
			}
			if inner, ok := t.Underlying().(*types.Struct); ok {
				names = append(names, fieldsOf(inner, level+1)...)
			}
		}
	}
	return names
}
