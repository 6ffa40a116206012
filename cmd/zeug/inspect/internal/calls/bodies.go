package main

import (
	"bytes"
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
	full3  []int // without room behind it
	spare  []int // with room behind it
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

// Slices of the function's own.

func (c *crate) Widths() (list []int) {
	for _, b := range c.boxes {
		list = append(list, b.width)
	}
	return list
}

func (c *crate) Names() []string {
	names := make([]string, 0, 1)
	for _, b := range c.boxes {
		names = append(names, b.name)
	}
	return append(names, strings.Split("x,y", ",")...)
}

func (c *crate) Reversed(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

func (c *crate) Padded() []byte { return append(append([]byte(c.label.text), ' '), c.text[0]) }

// Overwritten appends twice to a slice with room, so that the second append changes what the first returned.
func (c *crate) Overwritten() int {
	s := append([]int(nil), 1, 2, 3)
	t := append(s, 4)
	_ = append(s, 5)
	return t[3]
}

func (c *crate) Moved() int {
	s := append([]int(nil), 1, 2, 3)
	t := append(s, 4)
	t[0] = 9
	return s[0]
}

// Full appends twice to a slice without room, so that each append returns its own array.
func (c *crate) Full() int {
	s := []int{1, 2, 3}
	t, u := append(s, 4), append(s, 5)
	s[0], t[0], u[0] = 7, 8, 9
	return s[0]*100 + t[0]*10 + u[0] + 1000*t[3] + 10000*u[3]
}

func (c *crate) Shared() int {
	s := make([]int, 3)
	t := s[1:]
	t[0] = 4
	s[2] += 5
	return s[1]*10 + t[1]
}

func (c *crate) Spare() []int { return append(c.spare, 3) }
func (c *crate) Given() []int { return append(c.full3, 3) }
func (c *crate) Emptied() int { list := c.full3; list[0] = 1; return list[0] }

func (c *crate) Passed() int {
	list := []int{1, 2}
	return list[0] + clear0(list)
}

func clear0(list []int) int { list[0] = 50; return 1 }

func (c *crate) Stale() int {
	v := *c.box
	p := &v
	v = *c.inner
	return p.width
}

func (c *crate) StaleSelf() int {
	v := *c.box
	p := v.self()
	v = *c.inner
	return p.width
}

func (c *crate) StaleItem() int {
	list := []box{*c.box}
	p := list[0].self()
	list[0] = *c.inner
	return p.width
}

func count(n int, more ...int) int {
	for _, m := range more {
		n = n*10 + m
	}
	return n*10 + len(more)
}

func (c *crate) Counted() []int {
	return []int{count(1), count(1, 2), count(1, 2, 3), count(1, []int{4, 5}...), count(2, c.full3...), count(3, nil...)}
}

func (c *crate) Line() string {
	var b strings.Builder
	for i, x := range c.boxes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s=%d", x.name, x.width)
		put(&b, 'é')
	}
	if n, err := b.WriteString("!"); err != nil || n != 1 {
		b.Reset()
	}
	return b.String()
}

func put(b *strings.Builder, r rune) {
	b.WriteRune(r)
	b.WriteByte('\xff')
}

func (c *crate) Buffered() string {
	b := new(bytes.Buffer)
	var w io.Writer = b
	fmt.Fprint(w, c.width, c.Name())
	io.WriteString(w, ";")
	b.Write([]byte("z"))
	return b.String() + fmt.Sprint(b.Len())
}

//lint:ignore SA9999 a copied builder panics
func (c *crate) CopiedBuilder() string {
	var b strings.Builder
	b.WriteString("a")
	d := b
	return d.String()
}

func (c *crate) Twice() string {
	var b strings.Builder
	_ = mark(&b).self().width
	return b.String()
}

func mark(b *strings.Builder) *holder {
	b.WriteString("x")
	return held
}

var held = &holder{box{width: 3}}

type holder struct{ box }

// Keys writes the keys of a map in its order.
func (c *crate) Keys() string {
	var b strings.Builder
	for k := range c.counts {
		b.WriteString(k)
	}
	return b.String()
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
		colors: map[color]string{9: "blue", 255: "black"}, flags: [4]bool{true, false, true, true}, text: []byte("tëxt\x00"), full3: []int{5, 6, 7}, spare: append(make([]int, 0, 8), 1, 2),
		cause: fmt.Errorf("load: %w", &failure{"load", 7, errGone}), any: 41}
	c.next = &crate{box: b.inner, any: b, cause: io.EOF, next: &crate{any: color(3), cause: errors.Join(errOther, refusal{7}), box: b}}
	c.loads.Store(99)
	c.full.Store(true)
	c.best.Store(b.inner)
	c.busy.Lock()
	return c
}
