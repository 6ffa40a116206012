package inspect

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
	"github.com/go-delve/delve/service/api"
)

// Limits of what is read at once. The rest comes when it is asked for.
const (
	maxString = 200 // bytes of a text
	maxItems  = 32  // items of a slice or map
	maxValue  = 400 // bytes of a value on one line
)

// Variable is a value of the program with a name.
type Variable struct {
	// Name is the variable's, the field's, the index or the key.
	Name string `json:"name"`
	Type string `json:"type"`
	// Value is the value on one line, cut where it is long.
	Value string `json:"value"`
	// Expr is the expression that gives this value again, by which it is
	// expanded; "" where there is nothing to expand.
	Expr string `json:"expr,omitempty"`
	// Argument says that it is an argument or a result of the function.
	Argument bool `json:"argument,omitempty"`
	// Shadowed says that an inner variable of the same name hides it.
	Shadowed bool `json:"shadowed,omitempty"`
	// Unreadable says why there is no value.
	Unreadable string `json:"unreadable,omitempty"`
	// Children are the fields, items, entries or the variable pointed to, if
	// they were asked for; Length is how many there are in all.
	Children []Variable `json:"children,omitempty"`
	Length   int64      `json:"length,omitempty"`
}

// shallow is how much of a value one line shows.
var shallow = proc.LoadConfig{FollowPointers: true, MaxVariableRecurse: 2, MaxStringLen: maxString, MaxArrayValues: maxItems, MaxStructFields: -1}

// Variables returns the arguments and the local variables of a frame that are
// in scope at its line, in the order of their declaration.
func (c *Core) Variables(at Place) (list []Variable, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer rescue(&err)
	scope, err := c.scope(at)
	if err != nil {
		return nil, err
	}
	arguments, err := scope.FunctionArguments(shallow)
	if err != nil {
		return nil, fmt.Errorf("read arguments: %w", err)
	}
	locals, err := scope.LocalVariables(shallow)
	if err != nil {
		return nil, fmt.Errorf("read local variables: %w", err)
	}
	for _, v := range arguments {
		shown := show(api.ConvertVar(v))
		shown.Argument = true
		list = append(list, shown)
	}
	for _, v := range locals {
		list = append(list, show(api.ConvertVar(v)))
	}
	return list, nil
}

// Eval evaluates a Go expression in a frame: variables, fields, indices and
// slices, map entries, arithmetic, comparisons, conversions, len and cap.
// Functions cannot be called: the program has gone on since.
func (c *Core) Eval(at Place, expression string) (Variable, error) {
	return c.Expand(at, expression, 0)
}

// Expand evaluates an expression and returns its value with its children from
// the one numbered from, at most 32 of them (of a struct, all).
func (c *Core) Expand(at Place, expression string, from int) (v Variable, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer rescue(&err)
	if strings.TrimSpace(expression) == "" {
		return v, fmt.Errorf("no expression")
	}
	scope, err := c.scope(at)
	if err != nil {
		return v, err
	}
	value, err := scope.EvalExpression(expression, shallow)
	if err != nil {
		return v, c.explain(at, scope, expression, err)
	}
	whole := api.ConvertVar(value)
	v = show(whole)
	v.Name = expression
	if from > 0 && (whole.Kind == reflect.Slice || whole.Kind == reflect.Array || whole.Kind == reflect.Map) {
		if int64(from) >= whole.Len {
			return v, nil
		}
		value, err = scope.EvalExpression(fmt.Sprintf("(%s)[%d:]", expression, from), shallow)
		if err != nil {
			return v, c.explain(at, scope, expression, err)
		}
		whole = api.ConvertVar(value)
	}
	v.Children = children(whole, from)
	return v, nil
}

func show(v *api.Variable) Variable {
	shown := Variable{
		Name:       strings.Trim(v.Name, "()"),
		Type:       v.Type,
		Value:      cut(text(v)),
		Unreadable: v.Unreadable,
		Shadowed:   v.Flags&api.VariableShadowed != 0,
		Length:     length(v),
	}
	if expandable(v) {
		shown.Expr = fmt.Sprintf("*(*%q)(%#x)", v.Type, v.Addr)
	}
	return shown
}

// text is a value on one line, without its type, which stands beside it.
func text(v *api.Variable) string { return v.StringWithOptions("", "", api.PrettyShortenType) }

// expandable reports whether a value has an inside, and an address to find it
// by.
func expandable(v *api.Variable) bool {
	if v.Addr == 0 || v.Unreadable != "" || v.Type == "" {
		return false
	}
	switch v.Kind {
	case reflect.Struct, reflect.Array, reflect.Slice, reflect.Map:
		return v.Len > 0 || len(v.Children) > 0
	case reflect.Pointer, reflect.Interface:
		return len(v.Children) > 0 && (v.Children[0].Addr != 0 || v.Children[0].OnlyAddr)
	case reflect.Func:
		return v.Base != 0 && v.Len > 0
	case reflect.Chan:
		return v.Base != 0
	}
	return false
}

// length is how many children a value has in all.
func length(v *api.Variable) int64 {
	switch v.Kind {
	case reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		return v.Len
	}
	return int64(len(v.Children))
}

// children lists what is inside a value, of which the first is numbered from.
func children(v *api.Variable, from int) []Variable {
	var list []Variable
	switch v.Kind {
	case reflect.Map:
		for i := 0; i+1 < len(v.Children); i += 2 {
			child := show(&v.Children[i+1])
			child.Name = cut(text(&v.Children[i]))
			list = append(list, child)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Children {
			child := show(&v.Children[i])
			child.Name = fmt.Sprintf("[%d]", from+i)
			list = append(list, child)
		}
	case reflect.Pointer, reflect.Interface:
		for i := range v.Children {
			// What a pointer leads to is shown at once: nobody wants to open
			// two levels for one struct.
			if inner := &v.Children[i]; inner.Kind == reflect.Struct && len(inner.Children) > 0 {
				return children(inner, 0)
			}
			child := show(&v.Children[i])
			if child.Name == "" || child.Name == "data" {
				child.Name = "*"
			}
			list = append(list, child)
		}
	default:
		for i := range v.Children {
			list = append(list, show(&v.Children[i]))
		}
	}
	return list
}

// cut shortens a text to maxValue bytes, at a character.
func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	end := maxValue
	for end > 0 && s[end]&0xC0 == 0x80 {
		end--
	}
	return s[:end] + "…"
}
