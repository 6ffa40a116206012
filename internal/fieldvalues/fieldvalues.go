// Package fieldvalues gives each response its own header values at the cost of one allocation.
//
// Header fields that are the same for many responses must not share their slices: a middleware that
// writes h["Etag"][0] would change later, unrelated responses. Six slices of one string are six
// allocations; Values cuts them out of one array:
//
//	var own fieldvalues.Values
//	h["Etag"] = own.One(tag)
//	h["Cache-Control"] = own.One("no-cache")
package fieldvalues

// Values hands out slices of one string. The zero value is ready for use, for one response.
type Values struct{ room []string }

// capacity is as many fields as the response for a file has. A ninth field begins another array.
const capacity = 8

// One returns a slice that holds value and belongs to the caller alone. Appending to it copies it.
func (v *Values) One(value string) []string {
	if len(v.room) == cap(v.room) {
		v.room = make([]string, 0, capacity)
	}
	n := len(v.room)
	v.room = append(v.room, value)
	return v.room[n : n+1 : n+1]
}

// Copy returns a copy of values that belongs to the caller alone, nil for nil.
func (v *Values) Copy(values []string) []string {
	switch len(values) {
	case 0:
		return values
	case 1:
		return v.One(values[0])
	}
	return append(make([]string, 0, len(values)), values...)
}
