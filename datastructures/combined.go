package datastructures

import (
	"iter"
	"strconv"
	"time"
)

// Combined shows several dictionaries as one, for reading: the first that has a
// key answers for it, and lists are joined in order. It is a view: it copies
// nothing, and shows what is changed in its sources later.
type Combined[V any] struct {
	sources []Reader[V]
}

// Combine returns a view of the sources in order of precedence.
func Combine[V any](sources ...Reader[V]) *Combined[V] {
	return &Combined[V]{sources: sources}
}

// Len is the number of items of all sources.
func (c *Combined[V]) Len() int {
	n := 0
	for _, source := range c.sources {
		n += source.Len()
	}
	return n
}

// Has reports whether a source has key.
func (c *Combined[V]) Has(key string) bool {
	_, ok := c.Lookup(key)
	return ok
}

// Get returns the first value of key in the first source that has one, or the
// fallback, or the zero value.
func (c *Combined[V]) Get(key string, fallback ...V) V {
	if v, ok := c.Lookup(key); ok {
		return v
	}
	return first(fallback)
}

// Lookup returns the first value of key in the first source that has one, and
// whether there is one.
func (c *Combined[V]) Lookup(key string) (V, bool) {
	for _, source := range c.sources {
		if v, ok := source.Lookup(key); ok {
			return v, true
		}
	}
	var zero V
	return zero, false
}

// List returns the values of key in all sources, one source after the other.
func (c *Combined[V]) List(key string) []V {
	var list []V
	for _, source := range c.sources {
		list = append(list, source.List(key)...)
	}
	return list
}

// All ranges over the items of all sources, one source after the other.
func (c *Combined[V]) All() iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, source := range c.sources {
			for key, value := range source.All() {
				if !yield(key, value) {
					return
				}
			}
		}
	}
}

// CombinedValues is [Combined] for texts with the typed reading of [Values]. A
// value that is malformed in one source lets the next source answer.
type CombinedValues struct {
	Combined[string]
}

// CombineValues returns a view of the sources in order of precedence: the
// arguments and the form of a request, say.
func CombineValues(sources ...*Values) *CombinedValues {
	c := new(CombinedValues)
	for _, source := range sources {
		c.sources = append(c.sources, source)
	}
	return c
}

func (c *CombinedValues) candidates(key string, yield func(string) bool) {
	for _, source := range c.sources {
		if s, ok := source.Lookup(key); ok && !yield(s) {
			return
		}
	}
}

// Int is [Values.Int].
func (c *CombinedValues) Int(key string, fallback int) int {
	return Get(c, key, strconv.Atoi, fallback)
}

// Int64 is [Values.Int64].
func (c *CombinedValues) Int64(key string, fallback int64) int64 {
	return Get(c, key, parseInt64, fallback)
}

// Float is [Values.Float].
func (c *CombinedValues) Float(key string, fallback float64) float64 {
	return Get(c, key, parseFloat, fallback)
}

// Bool is [Values.Bool].
func (c *CombinedValues) Bool(key string, fallback bool) bool {
	return Get(c, key, parseBool, fallback)
}

// Time is [Values.Time].
func (c *CombinedValues) Time(key, layout string, fallback time.Time) time.Time {
	return Get(c, key, parseTime(layout), fallback)
}

// Duration is [Values.Duration].
func (c *CombinedValues) Duration(key string, fallback time.Duration) time.Duration {
	return Get(c, key, time.ParseDuration, fallback)
}

// Require is [Values.Require].
func (c *CombinedValues) Require(key string) (string, error) { return Require(c, key, parseText) }

// RequireInt is [Values.RequireInt].
func (c *CombinedValues) RequireInt(key string) (int, error) { return Require(c, key, strconv.Atoi) }
