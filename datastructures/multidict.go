package datastructures

import (
	"iter"
	"slices"
)

// item is one key and one value of a [MultiDict].
type item[V any] struct {
	Key   string
	Value V
}

// MultiDict is an ordered dictionary that may hold several values for a key. It
// keeps the order in which the items came, across keys. The zero value is empty
// and ready for use. It is not safe for concurrent changes.
//
// Keys are compared byte for byte. Looking up a key walks the items, which is faster than a map for
// the sizes that requests have. A dictionary of many items that is read often keeps a map beside
// them.
type MultiDict[V any] struct {
	items []item[V]
	index *keyIndex // nil if there are few items
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
func (d *MultiDict[V]) Has(key string) bool { return d.find(key) >= 0 }

// Get returns the first value of key, or the zero value.
func (d *MultiDict[V]) Get(key string) V {
	value, _ := d.Lookup(key)
	return value
}

// GetOr returns the first value of key, or the fallback.
func (d *MultiDict[V]) GetOr(key string, fallback V) V {
	if value, ok := d.Lookup(key); ok {
		return value
	}
	return fallback
}

// Lookup returns the first value of key and whether there is one.
func (d *MultiDict[V]) Lookup(key string) (V, bool) {
	if i := d.find(key); i >= 0 {
		return d.items[i].Value, true
	}
	var zero V
	return zero, false
}

// List returns all values of key in order, nil if there are none. The list belongs to the caller.
func (d *MultiDict[V]) List(key string) []V {
	var list []V
	if p := d.positions(); p != nil {
		s, ok := p.spans[key]
		for i := s.first; ok; i, ok = p.next[i], p.next[i] != 0 {
			list = append(list, d.items[i].Value)
		}
		return list
	}
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

// Lists ranges over the keys in the order of their first values, each with all of its values. The
// function maps.Collect turns them into a map, such as [net/url.Values].
func (d *MultiDict[V]) Lists() iter.Seq2[string, []V] {
	return func(yield func(string, []V) bool) {
		lists := make(map[string][]V, d.Len())
		for key, value := range d.All() {
			lists[key] = append(lists[key], value)
		}
		for key := range d.All() {
			list, ok := lists[key]
			if !ok {
				continue
			}
			delete(lists, key)
			if !yield(key, list) {
				return
			}
		}
	}
}

// Clone returns a copy that shares nothing but the values themselves.
func (d *MultiDict[V]) Clone() *MultiDict[V] {
	c := &MultiDict[V]{items: slices.Clone(d.items)}
	c.moved()
	return c
}

// Add appends a value to those of key.
func (d *MultiDict[V]) Add(key string, value V) {
	d.items = append(d.items, item[V]{key, value})
	d.grown(key)
}

// Set makes value the only one of key. It takes the position of the first.
func (d *MultiDict[V]) Set(key string, value V) { d.SetList(key, value) }

// SetList replaces the values of key: the new ones take the places of the old ones, and further
// ones come last. Without values the key is removed.
func (d *MultiDict[V]) SetList(key string, values ...V) {
	if p := d.positions(); p != nil && len(values) > 0 {
		s, known := p.spans[key]
		if known && s.first == s.last {
			d.items[s.first].Value, values = values[0], values[1:]
			known = false
		}
		if !known {
			for _, value := range values {
				d.Add(key, value)
			}
			return
		}
	}
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
	if len(kept) < len(d.items) {
		clear(d.items[len(kept):])
		d.items = kept
		d.moved()
	}
	for _, value := range values {
		d.Add(key, value)
	}
}

// Del removes all values of key.
func (d *MultiDict[V]) Del(key string) { d.SetList(key) }
