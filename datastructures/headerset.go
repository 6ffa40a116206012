package datastructures

import (
	"slices"

	"github.com/zeugkit/zeug/internal/httplex"
)

// HeaderSet is a list of names that count as a set, whatever their case: the header fields Vary,
// Allow, Content-Language, Access-Control-Request-Headers and their like. It keeps order and
// spelling.
type HeaderSet []string

// ParseHeaderSet reads a list, as it was sent: a name that comes twice is kept
// twice, and counts once.
func ParseHeaderSet(header string) HeaderSet { return httplex.ParseList(header) }

// index is the index of a name, -1 if it is not in the set.
func (s HeaderSet) index(name string) int {
	return slices.IndexFunc(s, func(item string) bool { return httplex.EqualFold(item, name) })
}

// Has reports whether a name is in the set.
func (s HeaderSet) Has(name string) bool { return s.index(name) >= 0 }

// Add appends the names that are not in the set yet.
func (s *HeaderSet) Add(names ...string) {
	list := slices.Clip(*s)
	for _, name := range names {
		if !list.Has(name) {
			list = append(list, name)
		}
	}
	*s = list
}

// Remove removes a name, in every spelling, and reports whether it was there.
func (s *HeaderSet) Remove(name string) bool {
	n := len(*s)
	*s = slices.DeleteFunc(slices.Clone(*s), func(item string) bool { return httplex.EqualFold(item, name) })
	return len(*s) < n
}

// String returns the list, with names quoted where they must be.
func (s HeaderSet) String() string { return httplex.FormatList(s) }
