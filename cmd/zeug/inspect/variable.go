package inspect

import (
	"errors"
	"fmt"
	"go/parser"
	"reflect"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// Limits of one answer. The rest comes when it is asked for.
const (
	maxString = 200 // bytes of a string
	maxItems  = 32  // items of a slice or map
	maxValue  = 400 // bytes of a value on one line
)

// Variable is a value of the program with a name.
type Variable struct {
	// Name is the name of the variable or the field, the index, or the key; "" for a parameter or a
	// result without a name.
	Name string `json:"name"`
	Type string `json:"type"`
	// Value is the value on one line, without Type, cut where it is long. Values of many known
	// types are in the form of their type: a time.Time as its String method writes it, a mutex as
	// "locked".
	Value string `json:"value"`
	// Note is what is worth knowing beside the value, such as the length of a string; "" for most
	// values.
	Note string `json:"note,omitempty"`
	// Expr is an expression for this value. It is used to expand the
	// value, and is "" if there is nothing to expand.
	Expr string `json:"expr,omitempty"`
	// Copy is the expression by which [Core.Copy] copies this value; "" if there is none.
	Copy string `json:"copy,omitempty"`
	// Argument says that the variable is an argument or a result of the function.
	Argument bool `json:"argument,omitempty"`
	// Shadowed says that an inner variable of the same name hides this one.
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
	w := c.view(scope)
	if raised, ok := c.raised(at); ok {
		list = append(list, raised)
	}
	for _, v := range arguments {
		shown := w.show(v)
		shown.Argument = true
		if strings.HasPrefix(shown.Name, "~") { // the compiler's name for a parameter without one
			shown.Name = ""
		}
		list = append(list, shown)
	}
	for _, v := range locals {
		list = append(list, w.show(v))
	}
	return list, nil
}

// Eval evaluates a Go expression in a frame: variables, fields, indices and
// slices, map entries, arithmetic, comparisons, conversions, len and cap.
// Functions cannot be called: the program has gone on since.
func (c *Core) Eval(at Place, expression string) (Variable, error) {
	return c.Expand(at, expression, 0)
}

// Expand evaluates an expression and returns its value with its children. It skips the first from
// children, and returns at most 32 of them (of a struct, all).
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
	w := c.view(scope)
	tree, _ := parser.ParseExpr(expression)
	var called error
	if tree != nil && (hasCall(tree) || computes(tree)) {
		if v, called = w.call(expression); called == nil {
			v.Name = expression
			return v, nil
		}
	}
	value, err := scope.EvalExpression(expression, shallow)
	if errors.Is(called, errNoFit) || err != nil && errors.As(called, new(errUnknown)) && hasCall(tree) {
		return v, fmt.Errorf("%s: %w", expression, called)
	}
	if err != nil {
		return v, c.explain(at, scope, expression, err)
	}
	v = w.show(value)
	v.Name = expression
	if v.Copy == "" {
		v.Copy = expression
	}
	if v.Children, err = w.children(value, expression, max(from, 0)); err != nil {
		return v, c.explain(at, scope, expression, err)
	}
	if inside := int64(len(v.Children)); inside > 0 && !isList(value) {
		v.Length = inside
	}
	return v, nil
}

// show describes a value without what is inside it.
func (w *view) show(v *proc.Variable) Variable {
	shown := Variable{
		Name:     strings.Trim(v.Name, "()"),
		Type:     typeName(v),
		Note:     note(v),
		Shadowed: v.Flags&proc.VariableShadowed != 0,
		Length:   length(v),
	}
	if v.Unreadable != nil {
		shown.Unreadable = v.Unreadable.Error()
		return shown
	}
	shown.Value = w.line(v)
	if v.Addr == 0 || v.Addr >= madeAddr || shown.Type == "" || v.Flags&proc.VariableFakeAddress != 0 {
		return shown
	}
	shown.Copy = fmt.Sprintf("*(*%q)(%#x)", shown.Type, v.Addr)
	if expandable(v) {
		shown.Expr = shown.Copy
	}
	return shown
}

// expandable reports whether a value has something inside, and an address at
// which to find it.
func expandable(v *proc.Variable) bool {
	if v.Addr == 0 || v.Addr >= madeAddr || v.Unreadable != nil || typeName(v) == "" {
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

// isList reports whether one answer shows only a part of a value's children.
func isList(v *proc.Variable) bool {
	return v.Kind == reflect.Slice || v.Kind == reflect.Array || v.Kind == reflect.Map
}

// length is how many children a value has in all.
func length(v *proc.Variable) int64 {
	if isList(v) || v.Kind == reflect.Struct {
		return v.Len
	}
	return int64(len(v.Children))
}

// children lists what is inside the value of an expression. Of a list it skips the first from
// items, and returns at most maxItems.
func (w *view) children(v *proc.Variable, expression string, from int) ([]Variable, error) {
	if v.Unreadable != nil {
		return nil, nil
	}
	if list, ok := w.ownChildren(v); ok {
		return list, nil
	}
	switch v.Kind {
	case reflect.Map:
		return w.entriesFrom(v, expression, from)
	case reflect.Slice, reflect.Array:
		return w.itemsFrom(v, expression, from)
	case reflect.Pointer, reflect.Interface:
		return w.targets(v, expression)
	case reflect.Chan:
		return w.waiting(v), nil
	}
	var list []Variable
	for i := range v.Children {
		list = append(list, w.show(&v.Children[i]))
	}
	return list, nil
}

// ownChildren lists what people look for inside a value of a known type.
func (w *view) ownChildren(v *proc.Variable) (list []Variable, ok bool) {
	defer func() {
		if recover() != nil { // the core may hold anything
			list, ok = nil, false
		}
	}()
	if f := inner[typeName(v)]; f != nil {
		return f(w, v)
	}
	return nil, false
}

// maxSorted is how many entries a map may have to be shown in the order of its keys. A larger one
// is shown as it lies in memory.
const maxSorted = 1000

func (w *view) entriesFrom(v *proc.Variable, expression string, from int) ([]Variable, error) {
	var entries []entry
	switch {
	case int64(from) >= v.Len:
		return nil, nil
	case v.Len <= maxSorted:
		if v.Len > int64(len(v.Children)/2) {
			all := shallow
			all.MaxArrayValues = maxSorted
			whole, err := w.scope.EvalExpression(expression, all)
			if err != nil {
				return nil, err
			}
			v = whole
		}
		entries = w.entries(v)
		entries = entries[min(from, len(entries)):]
	default:
		if from > 0 {
			rest, err := w.scope.EvalExpression(fmt.Sprintf("(%s)[%d:]", expression, from), shallow)
			if err != nil {
				return nil, err
			}
			v = rest
		}
		for i := 0; i+1 < len(v.Children); i += 2 {
			entries = append(entries, entry{&v.Children[i], &v.Children[i+1]})
		}
	}
	var list []Variable
	for _, e := range entries[:min(len(entries), maxItems)] {
		child := w.show(e.value)
		child.Name = w.line(e.key)
		list = append(list, child)
	}
	return list, nil
}

func (w *view) itemsFrom(v *proc.Variable, expression string, from int) ([]Variable, error) {
	if int64(from) >= v.Len {
		return nil, nil
	}
	if from > 0 {
		rest, err := w.scope.EvalExpression(fmt.Sprintf("(%s)[%d:]", expression, from), shallow)
		if err != nil {
			return nil, err
		}
		v = rest
	}
	var list []Variable
	for i := range v.Children {
		child := w.show(&v.Children[i])
		child.Name = fmt.Sprintf("[%d]", from+i)
		list = append(list, child)
	}
	return list, nil
}

// targets shows what a pointer leads to, or an interface holds. The fields of a struct are shown at
// once: opening two levels for one struct would be a nuisance.
func (w *view) targets(v *proc.Variable, expression string) ([]Variable, error) {
	var list []Variable
	for i := range v.Children {
		target := &v.Children[i]
		if target.Kind == reflect.Struct && len(target.Children) > 0 || target.Kind == reflect.Pointer && v.Kind == reflect.Interface && len(target.Children) == 1 && target.Children[0].Addr != 0 {
			return w.children(target, expression, 0)
		}
		child := w.show(target)
		if child.Name == "" || child.Name == "data" {
			child.Name = "*"
		}
		list = append(list, child)
	}
	return list, nil
}

// waiting lists the values that wait in a channel, the next one first.
func (w *view) waiting(v *proc.Variable) []Variable {
	count, ok1 := integer(named(v.Children, "qcount"))
	next, ok2 := integer(named(v.Children, "recvx"))
	buffer := pointed(named(v.Children, "buf"))
	if !ok1 || !ok2 || buffer == nil || buffer.Kind != reflect.Array {
		return nil
	}
	var list []Variable
	for i := range buffer.Children {
		if int64(len(list)) == count {
			break
		}
		at := (next + int64(i)) % int64(len(buffer.Children))
		if at < 0 {
			break
		}
		child := w.show(&buffer.Children[at])
		child.Name = fmt.Sprintf("[%d]", i)
		list = append(list, child)
	}
	return list
}

// cut shortens a string to maxValue bytes, at a character.
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
