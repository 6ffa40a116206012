package routing

import (
	"fmt"
	"slices"
)

// Which value each variable of a rule takes. Values have names and come in any order, and the steps
// of building know variables by their index. So each rule that is tried translates once:
//
//	rule     /<lang>/<int:id>, Defaults: lang="en"
//	values   0: page=2    1: id=7
//
//	lang     -1, its default
//	id        1
//	page is left, so unknown is set, and the query has it
//
// A rule that is not the right one mostly fails here, at a missing value or at a default that another
// value contradicts, before anything is written.

// inlineValues is the number of variables up to which a valueIndexes needs no allocation.
const inlineValues = 16

// valueIndexes tells which value each variable of a rule takes, -1 for its default.
type valueIndexes struct {
	few [inlineValues]int32
	// many replaces few for rules with more variables than few has elements; otherwise it is nil.
	many []int32
	// unknown is true if some value did not become a variable. It may be a default's, a second one
	// of a name, a nil, or one for the query.
	unknown bool
}

// at returns the index of the value for variable i.
func (p *valueIndexes) at(i int) int32 {
	if p.many != nil {
		return p.many[i]
	}
	return p.few[i]
}

// find looks for the values of r's variables. It reports whether they suffice: each variable has
// one, and none contradicts a default.
func (p *valueIndexes) find(r *rule, values []Value) bool {
	p.many, p.unknown = nil, false
	list := p.few[:]
	// Most rules have few variables, and comparing names one by one takes no memory. But a rule of
	// 10,000 variables (Werkzeug's test_long_build) would take some 50 million comparisons.
	var byName map[string]int32
	if n := len(r.variables); n > len(list) {
		p.many = make([]int32, n)
		list, byName = p.many, make(map[string]int32, len(values))
		for i := len(values) - 1; i >= 0; i-- { // backwards, so that the first value of a name stays
			if values[i].kind != nilValue {
				byName[values[i].name] = int32(i)
			}
		}
	}
	used := 0
	for i := range r.variables {
		name, place := r.variables[i].name, -1
		if byName != nil {
			if at, ok := byName[name]; ok {
				place = int(at)
			}
		} else {
			place = indexOf(values, name)
		}
		switch {
		case place >= 0:
			used++
		case !r.hasDefault(name):
			return false
		}
		list[i] = int32(place)
	}
	// A value may be given for a default if it is the same one. A caller with page=1 gets the rule with
	// the default page=1, and with page=2 the other one.
	for i := range r.defaults {
		d := &r.defaults[i]
		for at := range values {
			if v := &values[at]; v.name == d.name && v.kind != nilValue && !v.equal(*d) {
				return false
			}
		}
	}
	p.unknown = used < len(values)
	return true
}

// twice reports a variable of r that has several values. For a query, two values of a name are two
// parameters. For a path, one would be lost.
func (p *valueIndexes) twice(r *rule, values []Value) error {
	for i := range r.variables {
		if at := int(p.at(i)); at >= 0 && indexOf(values[at+1:], r.variables[i].name) >= 0 {
			return fmt.Errorf("the value of %q is given twice", r.variables[i].name)
		}
	}
	return nil
}

// indexOf returns the index of the value that has the name and is not nil, -1 for none.
func indexOf(values []Value, name string) int {
	for i := range values {
		if values[i].name == name && values[i].kind != nilValue {
			return i
		}
	}
	return -1
}

// knows reports whether the name is one of r's variables or defaults. All other values go into the
// query.
func (r *rule) knows(name string) bool {
	if len(r.arguments) == 0 {
		return false
	}
	return slices.Contains(r.arguments, name)
}
