package inspect

import (
	"errors"
	"fmt"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// The debug information names types by the paths of their packages:
//
//	map[string]*net/url.URL     main.pair[string,github.com/a/b.item]
//
// The names lead to the types of the program's source, and back.

// typeString is the name of a type in the debug information. "" says that it is not known.
func typeString(t types.Type) string {
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return "unsafe.Pointer"
		}
		if t.Info()&types.IsUntyped != 0 {
			return ""
		}
		return types.Typ[t.Kind()].Name()
	case *types.Pointer:
		return prefixedName("*", t.Elem())
	case *types.Slice:
		return prefixedName("[]", t.Elem())
	case *types.Array:
		return prefixedName(fmt.Sprintf("[%d]", t.Len()), t.Elem())
	case *types.Map:
		key, elem := typeString(t.Key()), typeString(t.Elem())
		if key == "" || elem == "" {
			return ""
		}
		return "map[" + key + "]" + elem
	case *types.Interface:
		if t.NumMethods() == 0 && t.NumEmbeddeds() == 0 {
			return "interface {}"
		}
	case *types.Named:
		return namedString(t)
	}
	return ""
}

func prefixedName(prefix string, t types.Type) string {
	if name := typeString(t); name != "" {
		return prefix + name
	}
	return ""
}

func namedString(t *types.Named) string {
	object := t.Obj()
	if object.Pkg() == nil {
		return object.Name() // error
	}
	if object.Parent() != object.Pkg().Scope() { // it is declared inside a function
		return ""
	}
	name := object.Pkg().Path() + "." + object.Name()
	if t.TypeArgs().Len() == 0 {
		return name
	}
	var arguments []string
	for argument := range t.TypeArgs().Types() {
		text := typeString(argument)
		if text == "" {
			return ""
		}
		arguments = append(arguments, text)
	}
	return name + "[" + strings.Join(arguments, ",") + "]"
}

// typeNamed finds the type of a name in the debug information.
func (s *source) typeNamed(name string) (types.Type, error) {
	t, rest, err := s.parseType(name)
	if err == nil && rest != "" {
		err = errTypeName
	}
	if err == nil && typeString(t) != name {
		err = errTypeName
	}
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", short(name), err)
	}
	return t, nil
}

var errTypeName = errors.New("its source was not found")

// parseType reads a type at the begin of a text. It also returns the rest of the text.
func (s *source) parseType(text string) (t types.Type, rest string, err error) {
	if elem, ok := strings.CutPrefix(text, "*"); ok {
		t, rest, err = s.parseType(elem)
		return types.NewPointer(orInvalid(t)), rest, err
	}
	if elem, ok := strings.CutPrefix(text, "[]"); ok {
		t, rest, err = s.parseType(elem)
		return types.NewSlice(orInvalid(t)), rest, err
	}
	if rest, ok := strings.CutPrefix(text, "interface {}"); ok {
		return types.NewInterfaceType(nil, nil), rest, nil
	}
	if key, ok := strings.CutPrefix(text, "map["); ok {
		k, rest, err := s.parseType(key)
		if err != nil || !strings.HasPrefix(rest, "]") {
			return nil, "", errTypeName
		}
		v, rest, err := s.parseType(rest[1:])
		return types.NewMap(k, orInvalid(v)), rest, err
	}
	if strings.HasPrefix(text, "[") {
		number, elem, ok := strings.Cut(text[1:], "]")
		length, failed := strconv.ParseInt(number, 10, 64)
		if !ok || failed != nil {
			return nil, "", errTypeName
		}
		t, rest, err = s.parseType(elem)
		return types.NewArray(orInvalid(t), length), rest, err
	}
	return s.parseNamed(text)
}

func orInvalid(t types.Type) types.Type {
	if t == nil {
		return types.Typ[types.Invalid]
	}
	return t
}

// parseNamed reads the name of a type, with its type arguments.
func (s *source) parseNamed(text string) (t types.Type, rest string, err error) {
	end := strings.IndexAny(text, "[], {(")
	if end < 0 {
		end = len(text)
	}
	name, rest := text[:end], text[end:]
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		object, ok := types.Universe.Lookup(name).(*types.TypeName)
		if !ok {
			return nil, "", errTypeName
		}
		return object.Type(), rest, nil
	}
	p, err := s.declarations(name[:dot], "")
	if err != nil {
		return nil, "", err
	}
	object, ok := p.Scope().Lookup(name[dot+1:]).(*types.TypeName)
	if !ok || !token.IsIdentifier(name[dot+1:]) {
		return nil, "", errTypeName
	}
	named, ok := object.Type().(*types.Named)
	if !ok {
		return nil, "", errTypeName
	}
	if named.TypeParams().Len() == 0 {
		return named, rest, nil
	}
	var arguments []types.Type
	separator := "["
	for range named.TypeParams().Len() {
		after, ok := strings.CutPrefix(rest, separator)
		if !ok {
			return nil, "", errTypeName
		}
		argument, after, err := s.parseType(after)
		if err != nil {
			return nil, "", err
		}
		arguments, rest, separator = append(arguments, argument), after, ","
	}
	rest, ok = strings.CutPrefix(rest, "]")
	if !ok {
		return nil, "", errTypeName
	}
	instance, err := types.Instantiate(nil, named, arguments, true)
	return instance, rest, err
}
