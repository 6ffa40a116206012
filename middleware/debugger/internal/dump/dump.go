// Package dump reads Go values for pages and logs, without running into their traps: it shows the
// values of a failed request while other goroutines of the application may write to them.
//
//	user{Name: "Ann", Tags: []string{"vip"}}
//
// becomes a tree of a [Value] for each part,
//
//	main.user
//	  Name string "Ann"
//	  Tags []string [1 item, not read]
//
// A [Reader] serves one report, whose methods Error and String share half a second. Each [Dumper] of
// it has limits for the number and the size of values.
package dump

import (
	"cmp"
	"reflect"
	"runtime/debug"
	"strconv"
)

// A panic's value, an error and everything in them come from the application. Their methods may
// panic, block or end the goroutine; the values may be huge or contain themselves, and other
// goroutines may be changing them. A dump reads them by reflection, one level after the other,
// within these limits.
const (
	maxItems   = 64       // items of a slice, entries of a map
	maxNesting = 6        // levels of structs, pointers and items
	maxValues  = 2000     // of all these
	maxBytes   = 64 << 10 // of all strings together

	PageValues  = 500     // values of a panic's value in a page
	FieldValues = 200     // values of one error, and of one variable of a rule
	maxKeys     = 4096    // entries of a map, of which the first in order are shown
	MaxText     = 200     // bytes of a string that are shown before it is opened
	maxSaid     = 1 << 10 // bytes of the result of a method String or Error
)

// Value describes what a Go value held when it was dumped, see debugger.Debugger.Dump.
// It is a copy: it no longer changes, and keeps nothing of the original value
// alive.
type Value struct {
	// Name is the struct's field, the index or the map's key of the value, "" for the value that
	// was dumped.
	Name string `json:"name,omitempty"`
	// Type is the Go type: for an interface, the type of its content.
	Type string `json:"type,omitempty"`
	// Text is a value without parts as Go writes it; for other values it is the result of their
	// method Error or String, if they have one.
	Text string `json:"value,omitempty"`
	// Whole is the whole string if Text has only its beginning, up to 8 KiB.
	Whole string `json:"whole,omitempty"`
	// Inside are the fields, the items, or the entries in the order of their
	// keys. Left is how many of them are left out.
	Inside []*Value `json:"inside,omitempty"`
	Left   int      `json:"left,omitempty"`

	form form
	// pointer says that the value is what a pointer leads to. closed says that
	// it was not read because another goroutine may be writing to it.
	pointer, closed bool
}

// HasParts reports whether v is a struct, a list or a map.
func HasParts(v *Value) bool { return v.form != plainForm }

// form is how a value is written.
type form int

const (
	plainForm form = iota
	structForm
	listForm
	mapForm
)

// Owned reads a value to which no other goroutine writes meanwhile. hidden reports which names are masked.
func Owned(value any, hidden func(name string) bool) *Value {
	d := NewReader(hidden).Dumper(maxValues)
	d.owned = true
	return d.Of(value)
}

// Dumper makes one dump or several that share its limits.
type Dumper struct {
	src    *Reader
	secret func(name string) bool
	// owned says that no goroutine writes to the value meanwhile, which only the value's owner can
	// know. Go ends the process if a map is read while another goroutine writes to it. An interface
	// or a slice that is read between the writes of its words leads to memory of another type,
	// which is as dangerous. So if the Dumper does not own the value, it reads no maps. Through a
	// pointer it reads only values that cannot be torn: numbers, strings, pointers, structs and
	// arrays of these, slices of numbers.
	owned bool
	// Skip leaves out fields of the outermost struct.
	Skip func(reflect.Value) bool

	values, bytes int // that are left
	queue         []*opening
	secretive     map[reflect.Type]bool
}

// opening is a value whose content is still to be read.
type opening struct {
	node  *Value
	value reflect.Value
	at    uintptr // of a pointer, map or slice
	up    *opening
	depth int
	// shared says that other goroutines may reach the value. Inside it, they may then reach its
	// parts.
	shared, inside bool
	// left is how many items of a slice were not copied.
	left int
}

// Of dumps a value.
func (d *Dumper) Of(value any) *Value { return d.read(value, true) }

// Inside dumps a value without calling its methods Error and String.
func (d *Dumper) Inside(value any) *Value { return d.read(value, false) }

func (d *Dumper) read(value any, ask bool) *Value {
	// If another goroutine is just writing a value, the value may lead to memory that does not
	// exist.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	root := &Value{}
	d.fill(root, reflect.ValueOf(value), ask)
	return root
}

// fill reads a value with all its levels.
func (d *Dumper) fill(root *Value, v reflect.Value, ask bool) {
	d.describe(root, v, nil, ask)
	for len(d.queue) > 0 {
		next := d.queue[0]
		d.queue = d.queue[1:]
		d.open(next)
	}
}

// unreadable says in the node that its value could not be read.
func unreadable(node *Value) {
	if recover() != nil {
		node.Text = "(cannot be read)"
	}
}

// itself is the node for a value that contains itself and is shown further up.
const itself = "… (it holds itself)"

// describe fills in a node except for its content, which is read later.
func (d *Dumper) describe(node *Value, v reflect.Value, up *opening, ask bool) {
	defer unreadable(node)
	d.values--
	shared := up != nil && up.inside
	if v.Kind() == reflect.Interface && !v.IsNil() && shared {
		node.Type = nameOf(v.Type())
		d.close(node, "", "(not read)")
		return
	}
	for v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
	}
	if !v.IsValid() || v.Kind() == reflect.Interface {
		node.Text = "nil"
		if v.IsValid() {
			node.Type = nameOf(v.Type())
		}
		return
	}
	v = addressable(v)
	node.Type = nameOf(v.Type())
	d.content(node, v, &opening{node: node, value: v, up: up, depth: depthOf(up) + 1, shared: shared, inside: shared}, ask)
}

func depthOf(o *opening) int {
	if o == nil {
		return -1
	}
	return o.depth
}

// addressable copies a value that has no address, so that its fields have one.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() || !v.CanInterface() || v.Kind() != reflect.Struct && v.Kind() != reflect.Array {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

func nameOf(t reflect.Type) string { return Cut(t.String(), maxSaid) }

// content fills in the string for v, and queues its parts. ask says whether its method may be
// called.
func (d *Dumper) content(node *Value, v reflect.Value, o *opening, ask bool) {
	t := v.Type()
	said, leaf := "", false
	if ask && d.asks(o, t) {
		said, leaf = d.said(v)
		node.Text = d.spend(said)
	}
	if leaf {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		d.pointer(node, v, o, said, ask)
	case reflect.Struct:
		node.form = structForm
		if t.PkgPath() != "context" { // those are values of a request, under meaningless names
			d.queue = append(d.queue, o)
		}
	case reflect.Slice, reflect.Array:
		d.list(node, v, o, said)
	case reflect.Map:
		d.mapping(node, v, o, said)
	default:
		text := d.scalar(node, v)
		switch {
		case said == "":
			node.Text = text
		case said != text && t.PkgPath() != "time":
			node.Text = said + " (" + text + ")"
		}
	}
}

// pointer does what content does, for a pointer. The pointer and its target are one node: &{…}.
func (d *Dumper) pointer(node *Value, v reflect.Value, o *opening, said string, ask bool) {
	if v.IsNil() {
		node.Text = "nil"
		return
	}
	if o.at = v.Pointer(); o.again() {
		node.Text = itself
		return
	}
	if o.depth > maxNesting {
		node.Text = cmp.Or(said, "…")
		return
	}
	inner := v.Elem()
	if inner.Kind() == reflect.Interface && !inner.IsNil() && !d.owned {
		d.close(node, said, "&(not read)")
		return
	}
	for inner.Kind() == reflect.Interface && !inner.IsNil() {
		inner = addressable(inner.Elem())
	}
	node.pointer = true
	if inner.Kind() == reflect.Interface {
		node.Text = "&nil"
		return
	}
	// A pointer and its target are one level.
	elem := &opening{node: node, value: inner, up: o, depth: o.depth, shared: !d.owned, inside: !d.owned}
	if inner.Kind() == reflect.Pointer {
		elem.depth++
	}
	d.content(node, inner, elem, ask && said == "")
	switch {
	case said != "":
		node.Text = said
	case node.form == plainForm && node.Text != itself:
		node.Text = "&" + node.Text
	}
}

// list does what content does, for a slice or an array. Bytes are shown as text, and everything
// else element by element.
func (d *Dumper) list(node *Value, v reflect.Value, o *opening, said string) {
	node.form = listForm
	if v.Kind() == reflect.Slice {
		var ok bool
		if v, ok = d.slice(node, v, o, said); !ok {
			return
		}
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if node.form = plainForm; said == "" {
			d.octets(node, v, v.Len()+o.left)
		}
		return
	}
	if v.Len() > 0 {
		d.queue = append(d.queue, o)
	}
}

// slice returns the elements of a slice that can be read. If other goroutines may write to its
// memory, they are the elements of a copy. It reports false if nothing more of the slice can be
// shown.
func (d *Dumper) slice(node *Value, v reflect.Value, o *opening, said string) (reflect.Value, bool) {
	if v.IsNil() {
		node.form, node.Text = plainForm, "nil"
		return v, false
	}
	if o.at = v.Pointer(); v.Len() > 0 && o.again() {
		node.Text = itself
		return v, false
	}
	elem := v.Type().Elem()
	if n := v.Len(); o.shared && n > 0 {
		if v = copied(v); !v.IsValid() {
			d.close(node, said, "["+counted(n, "item", "items")+", not read]")
			return v, false
		}
		o.value, o.left = v, max(n-v.Len(), 0)
	}
	o.inside = !d.owned && !free(elem)
	return v, true
}

// mapping does what content does, for a map. The map is not read while others may write to it.
func (d *Dumper) mapping(node *Value, v reflect.Value, o *opening, said string) {
	if v.IsNil() {
		node.Text = "nil"
		return
	}
	node.form = mapForm
	n := v.Len()
	if o.at = v.Pointer(); o.again() {
		node.Text = itself
	} else if n > 0 && !d.owned {
		d.close(node, said, "map["+counted(n, "entry", "entries")+", not read]")
	} else if n > 0 {
		d.queue = append(d.queue, o)
	}
}

// again reports whether the value contains itself here.
func (o *opening) again() bool {
	for up := o.up; up != nil; up = up.up {
		if up.at == o.at && up.value.IsValid() && up.value.Type() == o.value.Type() {
			return true
		}
	}
	return false
}

// open reads the content of a value.
func (d *Dumper) open(o *opening) {
	defer unreadable(o.node)
	v := o.value
	if o.depth >= maxNesting {
		if o.node.Text == "" {
			o.node.Text = "…"
		}
		return
	}
	var list []entry
	whole := v.Len
	switch v.Kind() {
	case reflect.Struct:
		list = d.fields(o)
		whole = func() int { return len(list) }
	case reflect.Map:
		list = entries(v)
	default:
		for i := range min(v.Len(), maxItems) {
			list = append(list, entry{name: strconv.Itoa(i), value: v.Index(i)})
		}
	}
	n := whole() + o.left
	for i, e := range list {
		if i == maxItems && v.Kind() != reflect.Struct || d.values <= 0 {
			break
		}
		inner := &Value{Name: e.name}
		if e.key.IsValid() {
			inner.Name = d.key(e.key)
		}
		if d.masks(e, inner.Name) {
			inner.Type, inner.Text = nameOf(e.value.Type()), masked
			d.values--
		} else {
			d.describe(inner, e.value, o, true)
			if e.embedded {
				inner.Type += " (embedded)"
			}
		}
		o.node.Inside = append(o.node.Inside, inner)
	}
	o.node.Left = max(n-len(o.node.Inside), 0)
}

// entry is one of the values inside another.
type entry struct {
	name     string
	key      reflect.Value
	value    reflect.Value
	embedded bool
}

// fields returns the fields of a struct.
func (d *Dumper) fields(o *opening) (list []entry) {
	t := o.value.Type()
	for i := range t.NumField() {
		f, v := t.Field(i), o.value.Field(i)
		if f.Name == "_" || o.outermost() && d.Skip != nil && d.Skip(v) {
			continue
		}
		list = append(list, entry{name: f.Name, value: v, embedded: f.Anonymous})
	}
	return list
}

// outermost reports whether o is the dumped value itself, or the value that a dumped pointer leads to.
func (o *opening) outermost() bool { return o.up == nil || o.up.node == o.node && o.up.outermost() }
