package datastructures

import (
	"iter"
	"slices"
)

// Item is one key and one value of a [MultiDict].
type Item[V any] struct {
	Key   string
	Value V
}

// MultiDict is an ordered dictionary that may hold several values for a key. It
// keeps the order in which the items came, across keys. The zero value is empty
// and ready for use. It is not safe for concurrent changes.
//
// Keys are compared byte for byte. Looking a key up walks the items, which is
// faster than a map for the sizes that requests have.
type MultiDict[V any] struct {
	items []Item[V]
}

// Reader is what a [MultiDict] offers for reading: the type to accept or to
// return where nothing may be changed. [*MultiDict], [*Values] and [*Combined]
// are Readers.
type Reader[V any] interface {
	// Len is the number of items.
	Len() int
	// Has reports whether key has a value.
	Has(key string) bool
	// Lookup returns the first value of key and whether there is one.
	Lookup(key string) (V, bool)
	// List returns all values of key in order, nil if there are none.
	List(key string) []V
	// All ranges over the items in order.
	All() iter.Seq2[string, V]
}

// NewMultiDict returns a MultiDict of the items, in their order.
func NewMultiDict[V any](items ...Item[V]) *MultiDict[V] {
	return &MultiDict[V]{items: slices.Clone(items)}
}

// FromMap returns a MultiDict of a map such as [net/url.Values] or
// [net/http.Header]; since a map has no order, the keys come sorted.
func FromMap[M ~map[string][]V, V any](m M) *MultiDict[V] {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	d := new(MultiDict[V])
	for _, key := range keys {
		for _, value := range m[key] {
			d.Add(key, value)
		}
	}
	return d
}

// Len is the number of items.
func (d *MultiDict[V]) Len() int { return len(d.items) }

// Has reports whether key has a value.
func (d *MultiDict[V]) Has(key string) bool { return d.index(key) >= 0 }

// Get returns the first value of key, or the fallback, or the zero value.
func (d *MultiDict[V]) Get(key string, fallback ...V) V {
	if v, ok := d.Lookup(key); ok {
		return v
	}
	return first(fallback)
}

// Lookup returns the first value of key and whether there is one.
func (d *MultiDict[V]) Lookup(key string) (V, bool) {
	if i := d.index(key); i >= 0 {
		return d.items[i].Value, true
	}
	var zero V
	return zero, false
}

// List returns all values of key in order, nil if there are none. The list is
// the caller's.
func (d *MultiDict[V]) List(key string) []V {
	var list []V
	for i := range d.items {
		if d.items[i].Key == key {
			list = append(list, d.items[i].Value)
		}
	}
	return list
}

// All ranges over the items in order, each key as often as it has values.
func (d *MultiDict[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, item := range d.items {
			if !yield(item.Key, item.Value) {
				return
			}
		}
	}
}

// Keys ranges over the keys in the order of their first values, each once.
func (d *MultiDict[V]) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		seen := make(map[string]struct{}, d.Len())
		for key := range d.All() {
			if _, twice := seen[key]; twice {
				continue
			}
			seen[key] = struct{}{}
			if !yield(key) {
				return
			}
		}
	}
}

// Lists ranges over the keys in the order of their first values, each with all
// of its values.
func (d *MultiDict[V]) Lists() iter.Seq2[string, []V] {
	return func(yield func(string, []V) bool) {
		lists := d.Map()
		for key := range d.Keys() {
			if !yield(key, lists[key]) {
				return
			}
		}
	}
}

// Map returns the items as a map from keys to their values: what
// [net/url.Values] and [net/http.Header] convert from. The order across keys is
// lost.
func (d *MultiDict[V]) Map() map[string][]V {
	m := make(map[string][]V, d.Len())
	for key, value := range d.All() {
		m[key] = append(m[key], value)
	}
	return m
}

// Clone returns a copy that shares nothing but the values themselves.
func (d *MultiDict[V]) Clone() *MultiDict[V] {
	return &MultiDict[V]{items: slices.Clone(d.items)}
}

// Add appends a value to those of key.
func (d *MultiDict[V]) Add(key string, value V) {
	d.items = append(d.items, Item[V]{key, value})
}

// Extend appends the items of other.
func (d *MultiDict[V]) Extend(other Reader[V]) {
	d.items = slices.Grow(d.items, other.Len())
	for key, value := range other.All() {
		d.Add(key, value)
	}
}

// Set makes value the only one of key. It takes the place of the first.
func (d *MultiDict[V]) Set(key string, value V) { d.SetList(key, value) }

// SetList makes values the ones of key: they take the places that the old ones
// had, further ones come last. Without values the key is removed.
func (d *MultiDict[V]) SetList(key string, values ...V) {
	kept := d.items[:0]
	for _, item := range d.items {
		if item.Key == key {
			if len(values) == 0 {
				continue
			}
			item.Value, values = values[0], values[1:]
		}
		kept = append(kept, item)
	}
	clear(d.items[len(kept):])
	d.items = kept
	for _, value := range values {
		d.Add(key, value)
	}
}

// SetDefault adds value where key has none, and returns the first value of key.
func (d *MultiDict[V]) SetDefault(key string, value V) V {
	if v, ok := d.Lookup(key); ok {
		return v
	}
	d.Add(key, value)
	return value
}

// Del removes all values of key.
func (d *MultiDict[V]) Del(key string) { d.SetList(key) }

// Pop removes all values of key and returns them.
func (d *MultiDict[V]) Pop(key string) []V {
	list := d.List(key)
	if list != nil {
		d.Del(key)
	}
	return list
}

// Clear removes all items.
func (d *MultiDict[V]) Clear() { d.items = nil }

func (d *MultiDict[V]) index(key string) int {
	for i := range d.items {
		if d.items[i].Key == key {
			return i
		}
	}
	return -1
}

// first is the first of an optional argument, or the zero value.
func first[V any](fallback []V) V {
	if len(fallback) > 0 {
		return fallback[0]
	}
	var zero V
	return zero
}
