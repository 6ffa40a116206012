package debugger

import (
	"cmp"
	"reflect"
	"runtime/debug"
	"strconv"
)

// A panic's value, an error and whatever they hold are the application's: their
// methods may panic, block or end the goroutine, they may be huge or contain
// themselves, and other goroutines may be changing them. A dump reads them by
// reflection, level by level, within these limits.
const (
	maxItems   = 64       // items of a slice, entries of a map
	maxNesting = 6        // levels of structs, pointers and items
	maxValues  = 2000     // of all these
	maxBytes   = 64 << 10 // of all texts together

	maxPageValues  = 500     // values of a panic's value in a page
	maxFieldValues = 200     // values of one error, and of one variable of a rule
	maxKeys        = 4096    // entries of a map among which the first are looked for
	maxText        = 200     // bytes of a text that are shown before it is opened
	maxSaid        = 1 << 10 // bytes of what a method String or Error returns
)

// Value is what a Go value held when it was dumped, see [Debugger.Dump]. It is a
// copy: it does not change any more, and keeps nothing of the value alive.
type Value struct {
	// Name is the struct's field, the index or the map's key at which it stands,
	// "" for the value that was dumped.
	Name string `json:"name,omitempty"`
	// Type is the Go type: of what is in an interface, that of the content.
	Type string `json:"type,omitempty"`
	// Text is a value without inside as Go writes it, and of others what their
	// method Error or String says, if they have one.
	Text string `json:"value,omitempty"`
	// Whole is a text of which Text has the beginning only, up to 8 KiB.
	Whole string `json:"whole,omitempty"`
	// Inside are the fields, the items, or the entries in the order of their
	// keys; Left is how many of them are left out.
	Inside []*Value `json:"inside,omitempty"`
	Left   int      `json:"left,omitempty"`

	form form
	// pointer says that it is the content of a pointer, and closed that it was not
	// read because another goroutine may be writing to it.
	pointer, closed bool
}

// form is how a value is written.
type form int

const (
	plainForm form = iota
	structForm
	listForm
	mapForm
)

// Dump reads a value for a page or a log of one's own: [Value.HTML] and
// [Value.String] show it. It goes 6 levels deep, shows up to 64 items of each
// list and 2000 values in all, texts up to 8 KiB, 64 KiB of them together, and
// says what it leaves out. Values whose names are secret are masked by
// Debugger.Secret, and so are cookies in a header; the method String of a type
// with such a field is not asked. Of unexported fields no methods are called.
// Methods that panic do no harm, and all together are waited for for half a
// second.
//
// As when it is printed by package fmt, no other goroutine may write to the value
// meanwhile: a map that is written to while it is read ends the process. The
// debugger's own pages show less of a value, because they cannot know. It is
// Werkzeug's debug_repr and dump.
func (d Debugger) Dump(value any) *Value {
	dump := (&sources{secret: d.secret()}).dumper(maxValues)
	dump.owned = true
	return dump.of(value)
}

// dumper makes one dump or several that share its limits.
type dumper struct {
	src    *sources
	secret func(name string) bool
	// owned says that nobody writes to the value meanwhile, which only its owner
	// knows. Go ends the process where a map is read while another goroutine
	// writes to it, and an interface or a slice that is read between the writes of
	// its words leads to memory of another type, of which the end is no better. So
	// of others' values no map is read, and behind a pointer only what cannot be
	// torn: numbers, texts, pointers, what is made of these, slices of numbers.
	owned bool
	// skip leaves out fields of the outermost struct.
	skip func(reflect.Value) bool

	values, bytes int // that are left
	queue         []*opening
	secretive     map[reflect.Type]bool
}

// opening is a value whose inside is still to be read.
type opening struct {
	node  *Value
	value reflect.Value
	at    uintptr // of a pointer, map or slice
	up    *opening
	depth int
	// shared says that other goroutines may reach the value, and inside that they
	// may reach what is inside.
	shared, inside bool
	// left is how many items of a slice were not copied.
	left int
}

// of dumps a value.
func (d *dumper) of(value any) *Value { return d.read(value, true) }

// inside dumps a value without asking it what it says of itself.
func (d *dumper) inside(value any) *Value { return d.read(value, false) }

func (d *dumper) read(value any, ask bool) *Value {
	// What is torn, because another goroutine writes it at this moment, may lead
	// to memory that is not there.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	root := &Value{}
	d.fill(root, reflect.ValueOf(value), ask)
	return root
}

// fill reads a value with all its levels.
func (d *dumper) fill(root *Value, v reflect.Value, ask bool) {
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

// itself stands for a value that is shown further up: it contains itself.
const itself = "… (it holds itself)"

// describe fills in a node but for its inside, which is read later.
func (d *dumper) describe(node *Value, v reflect.Value, up *opening, ask bool) {
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

// addressable copies a value that has no address, so that its fields do.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() || !v.CanInterface() || v.Kind() != reflect.Struct && v.Kind() != reflect.Array {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

func nameOf(t reflect.Type) string { return cut(t.String(), maxSaid) }

// content fills in the text of v, and queues what is inside. ask says that its
// method may be asked.
func (d *dumper) content(node *Value, v reflect.Value, o *opening, ask bool) {
	t := v.Type()
	said, leaf := "", false
	if ask && d.asks(o, t) {
		said, leaf = d.said(v)
		node.Text = d.spend(said)
	}
	if leaf {
		return
	}
	switch kind := v.Kind(); kind {
	case reflect.Pointer:
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
		// A pointer and what it points to are one level.
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
	case reflect.Struct:
		node.form = structForm
		if t.PkgPath() != "context" { // values of a request, under names of nobody's
			d.queue = append(d.queue, o)
		}
	case reflect.Slice, reflect.Array:
		node.form = listForm
		if kind == reflect.Slice {
			if v.IsNil() {
				node.form, node.Text = plainForm, "nil"
				return
			}
			if o.at = v.Pointer(); v.Len() > 0 && o.again() {
				node.Text = itself
				return
			}
			if n := v.Len(); o.shared && n > 0 {
				if v = copied(v); !v.IsValid() {
					d.close(node, said, "["+counted(n, "item", "items")+", not read]")
					return
				}
				o.value, o.left = v, max(n-v.Len(), 0)
			}
			o.inside = !d.owned && !free(t.Elem())
		}
		if t.Elem().Kind() == reflect.Uint8 {
			if node.form = plainForm; said == "" {
				d.octets(node, v, v.Len()+o.left)
			}
			return
		}
		if v.Len() > 0 {
			d.queue = append(d.queue, o)
		}
	case reflect.Map:
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

// again reports whether the value contains itself here.
func (o *opening) again() bool {
	for up := o.up; up != nil; up = up.up {
		if up.at == o.at && up.value.IsValid() && up.value.Type() == o.value.Type() {
			return true
		}
	}
	return false
}

// open reads the inside of a value.
func (d *dumper) open(o *opening) {
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

// fields are those of a struct.
func (d *dumper) fields(o *opening) (list []entry) {
	t := o.value.Type()
	for i := range t.NumField() {
		f, v := t.Field(i), o.value.Field(i)
		if f.Name == "_" || o.outermost() && d.skip != nil && d.skip(v) {
			continue
		}
		list = append(list, entry{name: f.Name, value: v, embedded: f.Anonymous})
	}
	return list
}

// outermost reports whether the value is the one that was dumped, or what that
// points to.
func (o *opening) outermost() bool { return o.up == nil || o.up.node == o.node && o.up.outermost() }
