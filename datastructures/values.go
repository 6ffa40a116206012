package datastructures

import (
	"strings"

	"github.com/zeugkit/zeug/internal/percent"
)

// Values is a [MultiDict] of strings, such as the parameters of a query or the fields of a form,
// with typed reading. [Values.Int] and its like take a fallback for a field that is missing or
// malformed. [Values.RequireInt] and its like return an error instead, which answers 400 and names
// the field.
type Values struct {
	MultiDict[string]
	sources []*Values // those of Combine
}

// Combine returns a copy of the sources' values in order of precedence, such as those of the query
// and the form of a request. The first source that has a key gives its first value, and lists are
// joined. If a value of one source is malformed, the typed methods try the next source.
func Combine(sources ...*Values) *Values {
	v := &Values{sources: sources}
	for _, source := range sources {
		for key, value := range source.All() {
			v.Add(key, value)
		}
	}
	return v
}

// ParseQuery reads the query of a URL or an application/x-www-form-urlencoded text, without loss:
// pairs between "&" in their order, ";" as data, empty values kept. An invalid escape stays as it
// was sent, and a byte that is not UTF-8 stays or becomes an escape ("%FF"). [Values.Encode] is
// the reverse.
func ParseQuery(query string) *Values {
	key, value, rest, ok := percent.CutPair(query)
	if !ok {
		return new(Values)
	}
	v := roomFor(1 + strings.Count(rest, "&"))
	for ok {
		v.Add(key, value)
		key, value, rest, ok = percent.CutPair(rest)
	}
	return v
}

// roomFor returns Values with room for n items, up to a bound: a string of nothing but separators
// must not make it allocate much memory. A few items are stored in the same allocation as the
// Values.
func roomFor(n int) *Values {
	if n <= 6 {
		few := new(struct {
			Values
			room [6]item[string]
		})
		few.items = few.room[:0]
		return &few.Values
	}
	v := new(Values)
	v.items = make([]item[string], 0, min(n, 32))
	return v
}

// Encode returns the items as a query, in their order: "a=1&b=2". Every item
// has its "=", so that a single empty key is not lost.
func (v *Values) Encode() string {
	size := 0
	for i := range v.items {
		size += len(v.items[i].Key) + len(v.items[i].Value) + 2
	}
	b := make([]byte, 0, size+size/8)
	for i := range v.items {
		key, value := v.items[i].Key, v.items[i].Value
		if i > 0 {
			b = append(b, '&')
		}
		b = percent.AppendQuery(b, key)
		b = append(b, '=')
		b = percent.AppendQuery(b, value)
	}
	return string(b)
}

// Clone returns a copy.
func (v *Values) Clone() *Values { return &Values{*v.MultiDict.Clone(), v.sources} }
