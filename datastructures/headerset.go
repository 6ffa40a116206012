package datastructures

import (
	"iter"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/internal/httplex"
)

// HeaderSet is a list of names that count as a set, whatever their case: the
// headers Vary, Allow, Content-Language, Access-Control-Request-Headers and
// their like. It keeps order and spelling. The zero HeaderSet is empty and ready
// for use.
type HeaderSet struct {
	items []string
}

// NewHeaderSet returns a set of the given names; of two that are the same the
// first stays.
func NewHeaderSet(names ...string) HeaderSet {
	var s HeaderSet
	s.Add(names...)
	return s
}

// ParseHeaderSet reads a list, as it was sent: a name that comes twice is kept
// twice, and counts once.
func ParseHeaderSet(header string) HeaderSet {
	return HeaderSet{httplex.ParseList(header)}
}

// Len is the number of names as they stand in the list.
func (s HeaderSet) Len() int { return len(s.items) }

// Index is the place of a name, -1 if it is not in the set.
func (s HeaderSet) Index(name string) int {
	return slices.IndexFunc(s.items, func(item string) bool { return httplex.EqualFold(item, name) })
}

// Has reports whether a name is in the set.
func (s HeaderSet) Has(name string) bool { return s.Index(name) >= 0 }

// At returns the name at place i, from 0.
func (s HeaderSet) At(i int) string { return s.items[i] }

// All ranges over the names in order.
func (s HeaderSet) All() iter.Seq[string] { return slices.Values(s.items) }

// Add appends the names that are not in the set yet.
func (s *HeaderSet) Add(names ...string) {
	s.items = slices.Clip(s.items)
	for _, name := range names {
		if !s.Has(name) {
			s.items = append(s.items, name)
		}
	}
}

// Remove takes a name out, in every spelling, and reports whether it was there.
func (s *HeaderSet) Remove(name string) bool {
	n := len(s.items)
	s.items = slices.DeleteFunc(slices.Clone(s.items), func(item string) bool {
		return httplex.EqualFold(item, name)
	})
	return len(s.items) < n
}

// Clear empties the set.
func (s *HeaderSet) Clear() { s.items = nil }

// String returns the list, with names quoted where they must be.
func (s HeaderSet) String() string { return httplex.FormatList(s.items) }

// Lower returns the names in lower case, sorted, each once: for comparing.
func (s HeaderSet) Lower() []string {
	names := make([]string, len(s.items))
	for i, name := range s.items {
		names[i] = strings.ToLower(name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
