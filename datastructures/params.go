package datastructures

import (
	"iter"
	"slices"

	"github.com/zeugkit/zeug/internal/httplex"
)

// Params are named parameters in their order, each name once. Names are
// compared without regard to case. A parameter may be bare: a name without a
// value, which is not the same as an empty value. The zero Params is empty and
// ready for use. Cache-Control, Prefer and the parameters of Digest authentication have this form.
type Params struct {
	list httplex.Params
}

// ParseDict reads a list of parameters: `a=1, b="x, y", c`. If a name comes
// twice, the last value counts. A list with a quoted string that does not end
// is empty.
func ParseDict(header string) Params { return Params{httplex.ParseDict(header)} }

// String returns the parameters as a list.
func (p Params) String() string { return httplex.FormatDict(p.list) }

// Get returns the value of the parameter of this name, or "".
func (p Params) Get(name string) string {
	value, _ := p.list.Lookup(name)
	return value
}

// Lookup returns the value of the parameter of this name and whether it has
// one: a bare parameter has none.
func (p Params) Lookup(name string) (string, bool) {
	if i := p.list.Index(name); i >= 0 {
		return p.list[i].Value, !p.list[i].Bare
	}
	return "", false
}

// IsBare reports whether there is a parameter of this name without a value.
func (p Params) IsBare(name string) bool {
	i := p.list.Index(name)
	return i >= 0 && p.list[i].Bare
}

// All ranges over the parameters in their order; the value of a bare one is "".
func (p Params) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, param := range p.list {
			if !yield(param.Name, param.Value) {
				return
			}
		}
	}
}

// Set gives the parameter of this name a value; a new one comes last.
func (p *Params) Set(name, value string) {
	p.put(httplex.Param{Name: name, Value: value})
}

// SetBare removes the value of the parameter of this name, and adds the parameter if it is new.
func (p *Params) SetBare(name string) { p.put(httplex.Param{Name: name, Bare: true}) }

// put never writes to a list that a copy of p may share.
func (p *Params) put(param httplex.Param) {
	list := slices.Clone(p.list)
	if i := list.Index(param.Name); i >= 0 {
		list[i] = param
	} else {
		list = append(list, param)
	}
	p.list = list
}
