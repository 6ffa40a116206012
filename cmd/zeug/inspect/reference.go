package inspect

import (
	"fmt"
	"go/token"
	"reflect"
	"strings"

	"github.com/go-delve/delve/pkg/proc"
)

// Pointers, slices, maps, channels, functions and interfaces are compared with nil, and pointers and
// interfaces with each other, by the words that they have in the core.

var errNilPointer = errUnknown{"nil pointer dereference"}

func isPointerName(typ string) bool { return strings.HasPrefix(typ, "*") }

// pointed is what a pointer leads to, or o if it is not a pointer.
func (c *caller) pointed(o operand) (operand, error) {
	switch {
	case o.null:
		return o, errNilPointer
	case o.target != nil:
		return c.variable(o.target, o.typ)
	case o.core == nil || o.core.Kind != reflect.Pointer:
		return o, nil
	}
	isNil, err := c.isNil(o)
	switch {
	case err != nil:
		return o, err
	case isNil:
		return o, errNilPointer
	}
	return c.read("*" + address(o.core))
}

// isNil reports whether a value is nil. The first word of a pointer, slice, map, channel, function or
// interface is zero only then.
func (c *caller) isNil(o operand) (bool, error) {
	switch {
	case o.null:
		return true, nil
	case o.own != nil, o.builder != nil, o.target != nil, o.native.IsValid() && o.native.Kind() != reflect.Slice && o.native.Kind() != reflect.Map:
		return false, nil
	case o.core == nil:
		return false, unknown("whether a %s is nil is not known here", o.typ)
	}
	switch o.core.Kind {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Chan, reflect.Func, reflect.Interface, reflect.UnsafePointer:
	default:
		return false, nil // a value in an interface
	}
	word, err := c.word(o.core.Addr)
	return word == 0 && err == nil, err
}

// isNilInterface reports whether a value of an interface type is nil. A nil without a type stands for
// a nil interface, and a nil pointer in an interface has a type.
func (c *caller) isNilInterface(o operand) (bool, error) {
	if o.null || !o.isInterface() {
		return o.null && o.typ == "", nil
	}
	return c.isNil(o)
}

// same compares two values with == if operators do not work on them. The flags say whether the values
// have an interface type, which a value that was assigned to a variable of such a type does not tell.
func (c *caller) same(x, y operand, xInterface, yInterface bool) (bool, error) {
	if y.null && y.typ == "" {
		x, y, xInterface, yInterface = y, x, yInterface, xInterface
	}
	if x.null && x.typ == "" {
		switch {
		case yInterface:
			return c.isNilInterface(y)
		case xInterface:
			return false, nil
		}
		return c.isNil(y)
	}
	xNil, err := c.isNilInterface(x)
	if err != nil {
		return false, err
	}
	yNil, err := c.isNilInterface(y)
	if err != nil || xNil || yNil {
		return xNil && yNil, err
	}
	if x, err = c.concrete(x); err != nil {
		return false, err
	}
	if y, err = c.concrete(y); err != nil {
		return false, err
	}
	return c.sameConcrete(x, y)
}

// sameConcrete compares two values that are not interfaces, and may have different types.
func (c *caller) sameConcrete(x, y operand) (bool, error) {
	switch {
	case x.typ == "" || y.typ == "" || strings.Contains(x.typ+y.typ, "go.shape"):
		return false, unknown("the values cannot be compared here")
	case x.typ != y.typ:
		return false, nil
	case x.null:
		return c.isNil(y)
	case y.null:
		return c.isNil(x)
	case x.basic() && y.basic():
		equal, err := operate(token.EQL, x, y)
		if err != nil {
			return false, err
		}
		return equal.native.Bool(), nil
	}
	a, size, err := c.pointerWord(x)
	if err != nil {
		return false, err
	}
	b, _, err := c.pointerWord(y)
	if err == nil && size == 0 && a != 0 && b != 0 {
		err = unknown("pointers to values without a size cannot be compared here")
	}
	return a == b, err
}

func (o operand) isInterface() bool { return o.core != nil && o.core.Kind == reflect.Interface }

// concrete is what an interface holds, or o if it is not an interface.
func (c *caller) concrete(o operand) (operand, error) {
	if !o.isInterface() {
		return o, nil
	}
	held := c.held(o.core)
	if held == nil {
		return o, unknown("what the interface holds cannot be read")
	}
	inside, err := c.fromCore(held)
	if err != nil && inside.typ == "" {
		return o, err
	}
	return inside, nil
}

// pointerWord is the address in a pointer, and the size of what it leads to.
func (c *caller) pointerWord(o operand) (addr uint64, size int64, err error) {
	v := o.target
	if o.copied {
		return 0, 0, unknown("the address of a copy is not known here")
	}
	if v != nil {
		return v.Addr, v.RealType.Size(), nil
	}
	if o.core == nil || o.core.Kind != reflect.Pointer || len(o.core.Children) != 1 {
		return 0, 0, unknown("values of the type %s cannot be compared here", o.typ)
	}
	word, err := c.word(o.core.Addr)
	if err != nil {
		return 0, 0, err
	}
	target := &o.core.Children[0]
	if target.RealType == nil || target.Addr != word && word != 0 {
		return 0, 0, unknown("values of the type %s cannot be compared here", o.typ)
	}
	return word, target.RealType.Size(), nil
}

// isAtomic reports whether the only field of a type's values that matters is v.
func isAtomic(typ string) bool {
	_, ok := strings.CutPrefix(typ, "sync/atomic.")
	return ok && typ != "sync/atomic.Value"
}

// atomicLoad reads an atomic value. A Pointer keeps an unsafe.Pointer, so it is read by its type.
func (c *caller) atomicLoad(o operand) (operand, error) {
	if o.core == nil {
		return o, unknown("the value is not in the core")
	}
	if elem, ok := strings.CutPrefix(o.typ, "sync/atomic.Pointer["); ok {
		elem = strings.TrimSuffix(elem, "]")
		held, err := c.read(address(o.core) + ".v")
		if err != nil {
			return o, err
		}
		word, err := c.word(held.core.Addr)
		if err != nil {
			return o, err
		}
		if word == 0 {
			return operand{typ: "*" + elem, null: true}, nil
		}
		v, err := c.load(elem, word, shallow)
		if err != nil {
			return o, err
		}
		return operand{typ: "*" + elem, target: v}, nil
	}
	held, err := c.read(address(o.core) + ".v")
	if err == nil && o.typ == "sync/atomic.Bool" {
		if !held.native.IsValid() || !held.native.CanUint() {
			return o, unknown("the value cannot be read")
		}
		return operand{typ: "bool", native: reflect.ValueOf(held.native.Uint() != 0)}, nil
	}
	return held, err
}

// lock checks a call of a method of a lock, which changes nothing that a result depends on. If
// another goroutine holds the lock, it may be changing what the lock protects.
func (c *caller) lock(v *proc.Variable, name string) (known bool, err error) {
	var state string
	var ok bool
	switch typeName(v) {
	case "sync.Mutex":
		state, ok = mutexForm(c.view, v)
	case "sync.RWMutex":
		state, ok = rwMutexForm(c.view, v)
	default:
		return false, nil
	}
	switch name {
	case "Unlock", "RUnlock":
		return true, nil
	case "Lock", "RLock":
	default:
		return false, nil
	}
	if !ok {
		return true, unknown("the state of a lock cannot be read")
	}
	if state == "unlocked" || name == "RLock" && strings.HasPrefix(state, "locked by ") && strings.HasSuffix(state, " readers") {
		return true, nil
	}
	return true, fmt.Errorf("%w: the program waits for a lock there, which is %s", errUnknown{"a lock is held"}, state)
}
