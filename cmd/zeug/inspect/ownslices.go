package inspect

import (
	"fmt"
	"go/ast"
	"go/types"
	"reflect"
	"strings"
)

// Slices that an interpreted function makes itself: by a literal, make, append or a conversion.
//
// An append writes to the array of its slice if that has room, and else to a new array. How much room a
// new array has is not known here, and other slices of the same array may show the difference:
//
//	s := append([]int(nil), 1, 2, 3)   s and t may share an array, or not
//	t := append(s, 4)                  the same for both: no slice shows the item behind s
//	u := append(s, 5)                  refused: if they share, t[3] is 5 now, and else 4
//	t[0] = 9                           refused: if they share, s[0] is 9 now
//
// So each array knows how far any slice of it has ever reached. An append behind that cannot be observed;
// one before it is refused. Items are assigned to only as long as it is certain which slices share
// them. Arrays of the program are never written to.

// ownArray is an array that an interpreted function has made.
type ownArray struct {
	items []operand // as far as any slice of it has reached
	// capacity is how many items have room; -1 if that is not known.
	capacity int
	// writer may assign to items. It is nil if nobody may: in an expression of the writer, such as
	// list[0] + change(list), the program might read the item before or after the call.
	writer *activation
	// moved says that slices of the array may have another array in the program.
	moved bool
	// pinned says that something points to an item.
	pinned bool
	// program says that it is a copy of an array that the program may have.
	program bool
	made    int // when, as [run.made] counts
}

// ownSlice is a part of an array. Slices with the same array share its items.
type ownSlice struct {
	array    *ownArray
	from, to int
}

// maxOwnItems is how many items an array of the interpreter may have.
const maxOwnItems = 4096

func (s *ownSlice) items() []operand { return s.array.items[s.from:s.to] }

// ownList makes a slice of items that has an array of its own.
func (c *caller) ownList(typ string, items []operand, capacity int, writer *activation) operand {
	c.run.made++
	return operand{typ: typ, own: &ownSlice{&ownArray{items: items, capacity: capacity, writer: writer, made: c.run.made}, 0, len(items)}}
}

// stringsOf makes a slice of strings that a function of this process has returned.
func (c *caller) stringsOf(list []string, program bool) operand {
	if list == nil {
		return operand{typ: "[]string", null: true}
	}
	var items []operand
	for _, s := range list {
		items = append(items, operand{typ: "string", native: reflect.ValueOf(s)})
	}
	o := c.ownList("[]string", items, -1, nil)
	o.own.array.program = program
	return o
}

// changeable refuses changes of what was made before a loop over a map, whose order is not known, and changes while
// an expression is evaluated a second time.
func (r *run) changeable(made int) error {
	if made <= r.barrier {
		return unknown("the result may depend on the order of the map")
	}
	if r.again {
		return unknown("an expression of this form is not known here")
	}
	return nil
}

// appended evaluates append.
func (a *activation) appended(x *ast.CallExpr) (operand, error) {
	base, err := a.eval(x.Args[0])
	if err != nil {
		return base, err
	}
	t, ok := a.TypeOf(x.Args[0]).Underlying().(*types.Slice)
	if !ok {
		return base, a.at(x, "an append to a %s is not known here", a.TypeOf(x.Args[0]))
	}
	var items []operand
	for _, arg := range x.Args[1:] {
		o, err := a.eval(arg)
		if err != nil {
			return o, err
		}
		if !x.Ellipsis.IsValid() {
			items = append(items, o)
		} else if items, err = a.itemsOf(o); err != nil {
			return o, a.placed(x, err)
		}
	}
	for i, o := range items {
		if items[i], err = a.assigned(o, t.Elem()); err != nil {
			return o, a.placed(x, err)
		}
	}
	o, err := a.appendedTo(base, typeString(a.TypeOf(x.Args[0])), items)
	return o, a.placed(x, err)
}

func (a *activation) appendedTo(base operand, typ string, items []operand) (operand, error) {
	isNil, err := a.isNil(base)
	if err != nil || len(items) == 0 {
		return base, err
	}
	var before []operand
	switch {
	case isNil:
	case base.own != nil:
		s := base.own
		if s.array.program {
			return base, unknown("append may change an array of the program")
		}
		if s.array.capacity < 0 || s.to+len(items) <= s.array.capacity {
			return base.extended(a.run, items)
		}
		before = s.items()
	default:
		if base.core == nil || base.core.Kind != reflect.Slice {
			return base, unknown("an append to a %s is not known here", base.typ)
		}
		if base.core.Len+int64(len(items)) <= base.core.Cap {
			return base, unknown("append would change an array of the program")
		}
		if before, err = a.itemsOf(base); err != nil {
			return base, err
		}
	}
	all := append(append([]operand(nil), before...), items...)
	if len(all) > maxOwnItems {
		return base, unknown("the result of append is too long")
	}
	for range all {
		if err := a.step(); err != nil {
			return base, err
		}
	}
	return a.ownList(typ, all, -1, a), nil
}

// extended is the slice with items behind it. No slice of the array may reach further.
func (o operand) extended(r *run, items []operand) (operand, error) {
	array := o.own.array
	if o.own.to < len(array.items) {
		return o, unknown("append may change what another slice shows")
	}
	if err := r.changeable(array.made); err != nil {
		return o, err
	}
	if len(array.items)+len(items) > maxOwnItems {
		return o, unknown("the result of append is too long")
	}
	array.moved = array.moved || array.capacity < 0
	array.items = append(array.items, items...)
	o.own = &ownSlice{array, o.own.from, len(array.items)}
	return o, nil
}

// itemsOf lists the items of a slice or string that an append adds.
func (c *caller) itemsOf(o operand) (list []operand, err error) {
	n, err := c.lengthOf(o)
	if err != nil {
		return nil, err
	}
	if n > maxOwnItems {
		return nil, unknown("a list of %d items is too long here", n)
	}
	for i := range n {
		if err := c.step(); err != nil {
			return nil, err
		}
		item, err := c.item(o, i)
		if err != nil {
			return nil, err
		}
		if item.typ == "" && !item.null {
			return nil, unknown("an item cannot be read")
		}
		list = append(list, item)
	}
	return list, nil
}

// made evaluates make.
func (a *activation) made(x *ast.CallExpr) (operand, error) {
	t := a.TypeOf(x)
	slice, ok := t.Underlying().(*types.Slice)
	name := typeString(t)
	if !ok || name == "" {
		return operand{}, a.at(x, "make is known for slices alone here")
	}
	var sizes [2]int64
	for i, arg := range x.Args[1:] {
		o, err := a.eval(arg)
		if err != nil {
			return o, err
		}
		n, ok := o.integer()
		if !ok || n < 0 || n > maxOwnItems {
			return o, a.at(x, "make is known for at most %d items here", maxOwnItems)
		}
		sizes[i] = n
	}
	if len(x.Args) == 2 {
		sizes[1] = sizes[0]
	}
	if sizes[0] > sizes[1] {
		return operand{}, a.at(x, "make panics")
	}
	var items []operand
	for range sizes[0] {
		if err := a.step(); err != nil {
			return operand{}, err
		}
		zero, err := zeroValue(slice.Elem())
		if err != nil {
			return zero, a.placed(x, err)
		}
		items = append(items, zero)
	}
	return a.ownList(name, items, int(sizes[1]), a), nil
}

// literal evaluates a composite literal: a list without keys, or an empty builder.
func (a *activation) literal(x *ast.CompositeLit) (operand, error) {
	t := a.TypeOf(x)
	name := typeString(t)
	if builtTypes[name] && len(x.Elts) == 0 {
		return a.newBuilder(name), nil
	}
	slice, ok := t.Underlying().(*types.Slice)
	if !ok || name == "" {
		return operand{}, a.at(x, "a composite value of the type %s is not known here", t)
	}
	var items []operand
	for _, element := range x.Elts {
		if _, ok := element.(*ast.KeyValueExpr); ok {
			return operand{}, a.at(element, "a list with indices is not known here")
		}
		o, err := a.eval(element)
		if err == nil {
			o, err = a.assigned(o, slice.Elem())
		}
		if err != nil {
			return o, a.placed(element, err)
		}
		items = append(items, o)
	}
	return a.ownList(name, items, len(items), a), nil
}

// part is a slice of a slice. It may not reach behind the slice, though its array may have room there.
func (o operand) part(from, to int64) operand {
	o.own = &ownSlice{o.own.array, o.own.from + int(from), o.own.from + int(to)}
	return o
}

// setItem assigns to an item of a slice that the function has made.
func (a *activation) setItem(x ast.Node, o operand, i int64, value operand) error {
	switch n, err := a.lengthOf(o); {
	case err != nil:
		return a.placed(x, err)
	case o.own == nil || o.own.array.writer != a:
		return a.at(x, "it changes something outside of the function")
	case i < 0 || i >= n:
		return a.at(x, "index out of range: there are %d items", n)
	case o.own.array.moved:
		return a.at(x, "the item may belong to another slice as well")
	case o.own.array.pinned:
		return a.at(x, "something may point to the item")
	}
	if err := a.run.changeable(o.own.array.made); err != nil {
		return a.placed(x, err)
	}
	o.own.items()[i] = value
	return nil
}

// packed gives the last parameter of a function with a variable number of arguments its slice. n is the
// number of its parameters.
func (a *activation) packed(args []operand, n int) ([]operand, error) {
	last := len(args) - 1
	switch {
	case last >= 0 && args[last].spread && len(args) != n, len(args) < n-1:
		return nil, unknown("it takes other arguments")
	case last >= 0 && args[last].spread:
		args[last].spread = false
		return args, nil
	}
	list := a.types.Params().At(n - 1).Type()
	name := typeString(list)
	if name == "" {
		return nil, unknown("the type %s is not known here", list)
	}
	if len(args) == n-1 {
		return append(args[:n-1:n-1], operand{typ: name, null: true}), nil
	}
	var items []operand
	for _, arg := range args[n-1:] {
		o, err := a.assigned(arg, list.(*types.Slice).Elem())
		if err != nil {
			return nil, err
		}
		items = append(items, o)
	}
	return append(args[:n-1:n-1], a.ownList(name, items, len(items), a)), nil
}

// spreadOut lists the arguments of a function of this process, with the items of a list that is passed with ....
func (c *caller) spreadOut(args []operand) ([]operand, error) {
	last := len(args) - 1
	if last < 0 || !args[last].spread {
		return args, nil
	}
	items, err := c.itemsOf(args[last])
	return append(args[:last:last], items...), err
}

// pin notes that something may point to a variable of the function, or into a slice of its own. Neither is
// assigned to afterwards: the pointer would lead to what was there before.
func (a *activation) pin(x ast.Expr) error {
	switch x := ast.Unparen(x).(type) {
	case *ast.Ident:
		if object := a.ObjectOf(x); a.isLocal(object) {
			a.pinned[object] = true
		}
	case *ast.SelectorExpr:
		if _, ok := a.TypeOf(x.X).Underlying().(*types.Pointer); !ok && a.Selections[x] != nil {
			return a.pin(x.X)
		}
	case *ast.IndexExpr:
		switch a.TypeOf(x.X).Underlying().(type) {
		case *types.Slice:
			o, err := a.evalAgain(x.X)
			if err == nil && o.own != nil {
				o.own.array.pinned = true
			}
			return err
		case *types.Array:
			return a.pin(x.X)
		}
	}
	return nil
}

// evalAgain evaluates an expression that has been evaluated before. It must not change anything twice.
func (a *activation) evalAgain(x ast.Expr) (operand, error) {
	before := a.run.again
	a.run.again = true
	defer func() { a.run.again = before }()
	return a.eval(x)
}

// set assigns to a variable of the function.
func (a *activation) set(x ast.Node, object types.Object, value operand) error {
	if a.pinned[object] {
		return a.at(x, "something may point to %s", object.Name())
	}
	value, err := a.assigned(value, object.Type())
	if err != nil {
		return a.placed(x, err)
	}
	a.variables[object] = value
	return nil
}

// describeOwn shows a slice as one of the program is shown.
func (w *view) describeOwn(o operand) (Variable, error) {
	items := o.own.items()
	shown := Variable{Type: o.typ, Note: fmt.Sprintf("len %d", len(items))}
	if o.typ == "[]uint8" && len(items) > 0 {
		b, err := bytesOf(items)
		shown.Value = octets([]byte(b[:min(len(b), maxString+4)]), int64(len(b)))
		return shown, err
	}
	var text strings.Builder
	text.WriteByte('[')
	for i, item := range items[:min(len(items), maxItems)] {
		if i > 0 {
			text.WriteString(", ")
		}
		value, err := w.describe(item)
		if err != nil {
			return shown, err
		}
		if value.Unreadable != "" {
			return shown, unknown("%s", value.Unreadable)
		}
		text.WriteString(value.Value)
	}
	writeRest(&text, int64(len(items)-min(len(items), maxItems)), min(len(items), maxItems))
	text.WriteByte(']')
	shown.Value = cut(text.String())
	return shown, nil
}

// bytesOf is the text of a list of bytes.
func bytesOf(items []operand) (string, error) {
	b := make([]byte, len(items))
	for i, item := range items {
		if !item.native.IsValid() || !item.native.CanUint() {
			return "", unknown("a byte is not known")
		}
		b[i] = byte(item.native.Uint())
	}
	return string(b), nil
}

// textOf is the text of a list of bytes or of characters.
func textOf(o operand) (string, error) {
	if o.typ == "[]uint8" {
		return bytesOf(o.own.items())
	}
	var b strings.Builder
	for _, item := range o.own.items() {
		if !item.native.IsValid() || !item.native.CanInt() {
			return "", unknown("a character is not known")
		}
		b.WriteString(string([]rune{rune(item.native.Int())}))
	}
	return b.String(), nil
}

// itemsOfText are the bytes or the characters of a text, as a conversion makes them.
func (a *activation) itemsOfText(text, typ string) (operand, error) {
	var items []operand
	if typ == "[]uint8" {
		for i := range len(text) {
			items = append(items, operand{typ: "uint8", native: reflect.ValueOf(text[i])})
		}
	} else {
		for _, r := range text {
			items = append(items, operand{typ: "int32", native: reflect.ValueOf(r)})
		}
	}
	if len(items) > maxOwnItems {
		return operand{}, unknown("the list is too long")
	}
	return a.ownList(typ, items, -1, a), nil
}
