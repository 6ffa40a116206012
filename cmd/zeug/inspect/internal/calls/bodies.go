package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
)

// Functions whose bodies have several statements.

type crate struct {
	*box
	label
	mu     sync.RWMutex
	busy   sync.Mutex
	boxes  []*box
	counts map[string]int
	colors map[color]string
	flags  [4]bool
	next   *crate
	loads  atomic.Int64
	full   atomic.Bool
	best   atomic.Pointer[box]
	cause  error
	any    any
	text   []byte
}

type label struct{ text string }

func (l label) Text() string      { return l.text }
func (l *label) Pointed() string  { return "*" + l.text }
func (l label) Same(o label) bool { return l.Text() == o.text }

type shape interface{ Area() int }

type stack[T any] struct {
	items []T
	limit int
}

func (s *stack[T]) Len() int   { return len(s.items) }
func (s *stack[T]) Top() T     { return s.items[len(s.items)-1] }
func (s stack[E]) First() E    { return s.items[0] }
func (s *stack[T]) Full() bool { return s.limit > 0 && len(s.items) >= s.limit }
func (s *stack[T]) At(i int) (item T, ok bool) {
	if i < 0 || i >= len(s.items) {
		return item, false
	}
	return s.items[i], true
}
func (s *stack[T]) Or(i int, other T) T {
	if v, ok := s.At(i); ok {
		return v
	}
	return other
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func (p pair[K, V]) Key() K    { return p.key }
func (p *pair[K, V]) Value() V { return p.value }

func largest[T int | int8 | uint8](list []T) (most T) {
	for _, v := range list {
		if v > most {
			most = v
		}
	}
	return most
}

type failure struct {
	op   string
	code int
	err  error
}

func (f *failure) Error() string { return fmt.Sprintf("%s failed with %d", f.op, f.code) }
func (f *failure) Unwrap() error { return f.err }
func (f *failure) Code() int     { return f.code }

type refusal struct{ code int }

func (r refusal) Error() string { return "refused" }
func (r refusal) Is(target error) bool {
	other, ok := target.(*failure)
	return ok && other.code == r.code
}

const (
	red color = iota + 1
	green
	shift = 1 << 4
)

func (c *crate) Sum() int {
	sum := 0
	for i := 0; i < len(c.boxes); i++ {
		sum += c.boxes[i].Area()
	}
	return sum
}

func (c *crate) Widest() (best *box, at int) {
	at = -1
	for i, b := range c.boxes {
		if best == nil || b.width > best.width {
			best, at = b, i
		}
	}
	return
}

func (c *crate) WidestName() string {
	best, at := c.Widest()
	if at < 0 {
		return "none"
	}
	return best.name
}

func (c *crate) Count(name string) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n, ok := c.counts[name]
	if !ok {
		return -1
	}
	return n
}

func (c *crate) Busy() int {
	c.busy.Lock()
	defer c.busy.Unlock()
	return len(c.boxes)
}

func (c *crate) Total() (n int) {
	for _, v := range c.counts {
		n += v
	}
	return n
}

func (c *crate) Has(n int) bool {
	for _, v := range c.counts {
		if v == n {
			return true
		}
	}
	return false
}

// Any depends on the order of the map.
func (c *crate) Any() string {
	for k := range c.counts {
		return k
	}
	return ""
}

// Last depends on the order of the map.
func (c *crate) Last() (last int) {
	for _, v := range c.counts {
		last = v
	}
	return last
}

func (c *crate) Vowels(s string) (n int) {
	for _, r := range s {
		switch r {
		case 'a', 'e', 'i', 'o', 'u', 'é', 'ö':
			n++
		case ' ':
			continue
		case '!':
			return -n
		}
	}
	return n
}

func (c *crate) Describe(n int) string {
	switch {
	case n < 0:
		return "negative"
	case n == 0:
		return "none"
	case n < shift:
		if n%2 == 0 {
			return "few, even"
		} else if n%3 == 0 {
			return "few, a third"
		}
	default:
		return "many"
	}
	return "few"
}

func (c *crate) Color(n color) string {
	switch n {
	case red:
		return "red"
	case green:
		return "green"
	}
	if name, ok := c.colors[n]; ok {
		return name
	}
	return "color " + n.String()
}

func (c *crate) Gauss(n int) int {
	sum := 0
	for i := range n {
		sum += i
	}
	return sum
}

func (c *crate) Collatz(n int) (steps int) {
	for n != 1 {
		if n%2 == 0 {
			n /= 2
		} else {
			n = 3*n + 1
		}
		steps++
	}
	return steps
}

func (c *crate) Forever() int {
	n := 0
	for {
		n++
	}
}

func (c *crate) Grid(limit int) int {
	found := 0
outer:
	for x := 0; x < 10; x++ {
		for y := 0; ; y++ {
			if y == x {
				continue outer
			}
			if x*y > limit {
				break outer
			}
			found += x ^ y
		}
	}
	return found
}

func (c *crate) Flags() (n uint8) {
	for i, set := range c.flags {
		if set {
			n |= 1 << i
		}
	}
	return n
}

func (c *crate) Depth() int {
	if c == nil {
		return 0
	}
	return 1 + c.next.Depth()
}

func (c *crate) Kind() string {
	switch v := c.any.(type) {
	case nil:
		return "nil"
	case int:
		return fmt.Sprint("int ", v+1)
	case *box, *crate:
		return "pointer"
	case fmt.Stringer:
		return "stringer " + v.String()
	case error:
		return v.Error()
	}
	return "other"
}

func (c *crate) Number() int {
	if n, ok := c.any.(int); ok {
		return n
	}
	return -1
}

func (c *crate) Loads() int64     { return c.loads.Load() + 1 }
func (c *crate) IsFull() bool     { return c.full.Load() }
func (c *crate) Best() string     { return c.best.Load().Name() }
func (c *crate) Caption() string  { return strings.ToLower(c.Text()) + c.Pointed() + c.Name() }
func (c *crate) Bytes() string    { return string(c.text) }
func (c *crate) Gone() bool       { return errors.Is(c.cause, errGone) }
func (c *crate) Failed() bool     { return c.cause != nil && c.cause != io.EOF }
func (c *crate) Shape() int       { var s shape = c.box; return s.Area() }
func (c *crate) Small() int8      { var n int8 = 127; n++; return n }
func (c *crate) Untyped() float64 { const third = 1 / 3.0; return third * float64(c.width) }
func (c *crate) Overflow() uint8  { n := uint8(c.width); n -= 7; return n }
func (c *crate) Grow() int        { c.width++; return c.width }
func (c *crate) Literal() int     { return len([]int{1, 2}) }
func (c *crate) Swap(x, y int) int {
	x, y = y, x
	return x<<3 - y
}

func (c *crate) Code() int {
	var f *failure
	if errors.As(c.cause, &f) {
		return f.Code()
	}
	if _, ok := errors.AsType[*fs.PathError](c.cause); ok {
		return -2
	}
	return -1
}

func (c *crate) Copied() bool {
	v := *c.box
	return v.self() == c.box
}

func (b *box) self() *box { return b }

func (c *crate) Shadow(n int) int {
	if n := n * 2; n > 10 {
		n := n + 1
		return n
	} else {
		n++
		return -n
	}
}

// split is declared twice, as a type and inside a function.
type split struct{ n int }

func (s split) N() int { return s.n }

func local() any {
	type split struct{ text string }
	return split{"local"}
}

func makeCrate(b *box) *crate {
	c := &crate{box: b, label: label{"Fragile"}, boxes: []*box{b, b.inner, {name: "wide", width: 40, height: 2}}, counts: map[string]int{"pen": 3, "ink": 4, "é": 0},
		colors: map[color]string{9: "blue", 255: "black"}, flags: [4]bool{true, false, true, true}, text: []byte("tëxt\x00"),
		cause: fmt.Errorf("load: %w", &failure{"load", 7, errGone}), any: 41}
	c.next = &crate{box: b.inner, any: b, cause: io.EOF, next: &crate{any: color(3), cause: errors.Join(errOther, refusal{7}), box: b}}
	c.loads.Store(99)
	c.full.Store(true)
	c.best.Store(b.inner)
	c.busy.Lock()
	return c
}
