package datastructures

import (
	"strings"

	"github.com/zeugkit/zeug/urls"
)

// Values is a [MultiDict] of texts, such as the arguments of a query or the
// fields of a form, with typed reading: [Values.Int] and its like take a
// fallback for a field that is missing or malformed, [Values.RequireInt] and its
// like return an error that answers 400 and names the field.
type Values struct {
	MultiDict[string]
}

// NewValues returns Values of keys and values that alternate; a last key alone
// has the value "".
func NewValues(pairs ...string) *Values {
	v := new(Values)
	for i := 0; i < len(pairs); i += 2 {
		value := ""
		if i+1 < len(pairs) {
			value = pairs[i+1]
		}
		v.Add(pairs[i], value)
	}
	return v
}

// ParseQuery reads the query of a URL or an application/x-www-form-urlencoded
// text, without loss: pairs between "&" in their order, ";" as data, empty
// values kept. An escape that is not one stays as it was sent, and a byte that
// is not UTF-8 stays or becomes an escape ("%FF"). [Values.Encode] is the
// reverse.
func ParseQuery(query string) *Values {
	v := new(Values)
	for key, value := range urls.Query(query) {
		if v.items == nil {
			// An estimate, bounded so that a text of nothing but "&" buys no memory.
			v.items = make([]Item[string], 0, min(1+strings.Count(query, "&"), 16))
		}
		v.Add(key, value)
	}
	return v
}

// Encode returns the items as a query, in their order: "a=1&b=2". Every item
// has its "=", so that a single empty key is not lost.
func (v *Values) Encode() string {
	var b []byte
	for key, value := range v.All() {
		if b != nil {
			b = append(b, '&')
		}
		b = urls.AppendQuery(b, key)
		b = append(b, '=')
		b = urls.AppendQuery(b, value)
	}
	return string(b)
}

// String is [Values.Encode].
func (v *Values) String() string { return v.Encode() }

// Clone returns a copy.
func (v *Values) Clone() *Values { return &Values{*v.MultiDict.Clone()} }
