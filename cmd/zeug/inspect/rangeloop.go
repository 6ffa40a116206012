package inspect

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"unicode/utf8"
)

// Loops over integers, strings, slices, arrays and maps.
//
// The order of a map is not known, since Go chooses another one for each loop. So the result must be
// the same in any order. That is certain if no iteration sees what another one has done:
//
//   - the body changes no variable that was declared outside of it. All iterations that end the loop must then end it
//     in the same way: for k, v := range m { if v == x { return true } }
//   - or it changes such variables only as in n++ or n += v, with integers, reads them nowhere else, and
//     no iteration ends the loop.

func (a *activation) rangeLoop(s *ast.RangeStmt, label string) (outcome, error) {
	o, err := a.eval(s.X)
	if err != nil {
		return outcome{}, err
	}
	switch t := a.TypeOf(s.X).Underlying().(type) {
	case *types.Map:
		return a.rangeMap(s, label, o)
	case *types.Basic:
		if t.Info()&types.IsString != 0 {
			return a.rangeString(s, label, o)
		}
		if t.Info()&types.IsInteger != 0 {
			return a.rangeInteger(s, label, o)
		}
	case *types.Slice, *types.Array, *types.Pointer:
		return a.rangeItems(s, label, o)
	}
	return outcome{}, a.at(s, "a loop over a %s is not known here", a.TypeOf(s.X))
}

// iterate runs the body of a loop once. It also reports whether the loop ends.
func (a *activation) iterate(s *ast.RangeStmt, label string, key, value operand) (outcome, bool, error) {
	if err := a.step(); err != nil {
		return outcome{}, true, err
	}
	for i, x := range []ast.Expr{s.Key, s.Value} {
		if x == nil {
			continue
		}
		object, err := a.local(x)
		if err != nil {
			return outcome{}, true, err
		}
		if object == nil {
			continue
		}
		o := key
		if i == 1 {
			o = value
		}
		if o.typ == "" && !o.null {
			return outcome{}, true, a.at(x, "an item cannot be read")
		}
		if s.Tok == token.DEFINE {
			delete(a.pinned, object)
		}
		if err := a.set(s, object, o); err != nil {
			return outcome{}, true, err
		}
	}
	end, err := a.block(s.Body.List)
	if err != nil {
		return end, true, err
	}
	end, leave := afterBody(end, label)
	return end, leave, nil
}

func (a *activation) rangeInteger(s *ast.RangeStmt, label string, o operand) (outcome, error) {
	n, ok := o.integer()
	if !ok {
		return outcome{}, a.at(s, "how often the loop runs is not known")
	}
	for i := range n {
		key := operand{typ: o.typ, native: reflect.ValueOf(i).Convert(o.native.Type())}
		if end, leave, err := a.iterate(s, label, key, operand{}); leave || err != nil {
			return end, err
		}
	}
	return outcome{}, nil
}

func (a *activation) rangeString(s *ast.RangeStmt, label string, o operand) (outcome, error) {
	if !o.native.IsValid() || o.native.Kind() != reflect.String {
		return outcome{}, a.at(s, "the string is not known")
	}
	text := o.native.String()
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		key, value := operand{typ: "int", native: reflect.ValueOf(i)}, operand{typ: "int32", native: reflect.ValueOf(r)}
		if end, leave, err := a.iterate(s, label, key, value); leave || err != nil {
			return end, err
		}
		i += size
	}
	return outcome{}, nil
}

func (a *activation) rangeItems(s *ast.RangeStmt, label string, o operand) (outcome, error) {
	o, err := a.pointedArray(o)
	if err != nil {
		return outcome{}, a.placed(s, err)
	}
	n, err := a.lengthOf(o)
	if err != nil {
		return outcome{}, a.placed(s, err)
	}
	wanted := s.Value != nil
	if name, ok := s.Value.(*ast.Ident); ok && name.Name == "_" {
		wanted = false
	}
	for i := range n {
		var value operand
		if wanted {
			if value, err = a.item(o, i); err != nil {
				return outcome{}, a.placed(s, err)
			}
		}
		key := operand{typ: "int", native: reflect.ValueOf(int(i))}
		if end, leave, err := a.iterate(s, label, key, value); leave || err != nil {
			return end, err
		}
	}
	return outcome{}, nil
}

// pointedArray is the array that a pointer leads to, or o if it is not a pointer.
func (a *activation) pointedArray(o operand) (operand, error) {
	if o.null && !isPointerName(o.typ) {
		return o, nil
	}
	return a.pointed(o)
}

// maxEntries is how many entries a map may have over which a loop goes.
const maxEntries = 512

func (a *activation) rangeMap(s *ast.RangeStmt, label string, o operand) (outcome, error) {
	isNil, err := a.isNil(o)
	if err != nil || isNil {
		return outcome{}, a.placed(s, err)
	}
	if o.core == nil || o.core.Len > maxEntries {
		return outcome{}, a.at(s, "the map cannot be read, or has too many entries")
	}
	full := shallow
	full.MaxArrayValues = maxEntries
	v, err := a.again(o.core, full)
	if err != nil {
		return outcome{}, a.placed(s, err)
	}
	if int64(len(v.Children)) != 2*v.Len {
		return outcome{}, a.at(s, "the map cannot be read")
	}
	changed, ok := a.changedInside(s)
	if !ok && v.Len > 1 {
		return outcome{}, a.at(s, "the result may depend on the order of the map")
	}
	if v.Len > 1 {
		barrier := a.run.barrier
		a.run.barrier = a.run.made
		defer func() { a.run.barrier = barrier }()
	}
	ends := map[string]outcome{}
	var returned []operand
	for i := 0; i < len(v.Children); i += 2 {
		key, err := a.variable(&v.Children[i], "a key of the map")
		if err != nil {
			return outcome{}, a.placed(s, err)
		}
		value, err := a.variable(&v.Children[i+1], "an entry of the map")
		if err != nil {
			return outcome{}, a.placed(s, err)
		}
		end, leave, err := a.iterate(s, label, key, value)
		if err != nil {
			return end, err
		}
		if !leave {
			continue
		}
		text, err := a.endOf(end)
		if err != nil {
			return end, a.placed(s, err)
		}
		ends[text], returned = end, a.returned
	}
	if len(ends) > 1 || len(ends) == 1 && changed && v.Len > 1 {
		return outcome{}, a.at(s, "the result depends on the order of the map")
	}
	for _, end := range ends {
		a.returned = returned
		return end, nil
	}
	return outcome{}, nil
}

// endOf describes how an iteration ends the loop, so that two ends are equal only if they are the same.
func (a *activation) endOf(end outcome) (string, error) {
	text := fmt.Sprint(end.kind, " ", end.label)
	if end.kind != token.RETURN {
		return text, nil
	}
	for _, o := range a.returned {
		switch {
		case o.null:
			text += " nil " + o.typ
		case o.basic():
			text += fmt.Sprintf(" %s %#v", o.typ, o.native.Interface())
		case o.core != nil:
			text += fmt.Sprintf(" %s at %#x", o.typ, o.core.Addr)
		case o.target != nil:
			text += fmt.Sprintf(" %s to %#x", o.typ, o.target.Addr)
		default:
			return "", unknown("the result may depend on the order of the map")
		}
	}
	return text, nil
}
