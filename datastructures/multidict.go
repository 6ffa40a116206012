// Package datastructures holds the values that requests and responses are made
// of: ordered dictionaries with several values a key, uploaded files, and one
// type per structured header, each with a ParseX function and a String method
// that round-trip.
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

// MultiDict is an ordered dictionary that may hold several values for a key.
// It keeps the order in which the items came, across keys. The zero value is
// empty and ready for use. It is not safe for concurrent changes.
type MultiDict[V any] struct {
	items []Item[V]
}

// NewMultiDict returns a MultiDict of the items, in their order.
func NewMultiDict[V any](items ...Item[V]) *MultiDict[V] {
	return &MultiDict[V]{items: items}
}

// Len is the number of items.
func (d *MultiDict[V]) Len() int { return len(d.items) }

// Add appends a value to those of key.
func (d *MultiDict[V]) Add(key string, value V) {
	d.items = append(d.items, Item[V]{key, value})
}

// Set makes value the only one of key. It takes the place of the first.
func (d *MultiDict[V]) Set(key string, value V) {
	i := d.index(key)
	if i < 0 {
		d.Add(key, value)
		return
	}
	d.items[i].Value = value
	kept := d.items[:i+1]
	for _, item := range d.items[i+1:] {
		if item.Key != key {
			kept = append(kept, item)
		}
	}
	clear(d.items[len(kept):])
	d.items = kept
}

// Del removes all values of key.
func (d *MultiDict[V]) Del(key string) {
	d.items = slices.DeleteFunc(d.items, func(item Item[V]) bool { return item.Key == key })
}

// Has reports whether key has a value.
func (d *MultiDict[V]) Has(key string) bool { return d.index(key) >= 0 }

// Get returns the first value of key, or the fallback, or the zero value.
func (d *MultiDict[V]) Get(key string, fallback ...V) V {
	if v, ok := d.Lookup(key); ok {
		return v
	}
	if len(fallback) > 0 {
		return fallback[0]
	}
	var zero V
	return zero
}

// Lookup returns the first value of key and whether there is one.
func (d *MultiDict[V]) Lookup(key string) (V, bool) {
	if i := d.index(key); i >= 0 {
		return d.items[i].Value, true
	}
	var zero V
	return zero, false
}

// List returns all values of key in order, nil if there are none.
func (d *MultiDict[V]) List(key string) []V {
	var list []V
	for _, item := range d.items {
		if item.Key == key {
			list = append(list, item.Value)
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

func (d *MultiDict[V]) index(key string) int {
	return slices.IndexFunc(d.items, func(item Item[V]) bool { return item.Key == key })
}
