package routing

// inlineValues is for how many variables places needs no allocation.
const inlineValues = 16

// places tells which of the values each variable of a rule takes, -1 for its
// default.
type places struct {
	few     [inlineValues]int32
	many    []int32
	unknown bool // some value is none of the rule's
}

func (p *places) at(i int) int32 {
	if p.many != nil {
		return p.many[i]
	}
	return p.few[i]
}

// find looks for the values of r's variables. It reports whether they suffice:
// each variable has one, and none contradicts a default.
func (p *places) find(r *rule, values []Value) bool {
	p.many, p.unknown = nil, false
	list := p.few[:]
	var byName map[string]int32
	if n := len(r.variables); n > len(list) {
		p.many = make([]int32, n)
		list, byName = p.many, make(map[string]int32, len(values))
		for i := len(values) - 1; i >= 0; i-- {
			byName[values[i].name] = int32(i)
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
		case place >= 0 && values[place].kind != nilValue:
			used++
		case !r.hasDefault(name):
			return false
		}
		list[i] = int32(place)
	}
	for i := range r.defaults {
		d := &r.defaults[i]
		if at := indexOf(values, d.name); at >= 0 && values[at].kind != nilValue && !values[at].equal(*d) {
			return false
		}
	}
	p.unknown = used < len(values)
	return true
}

func (r *rule) hasDefault(name string) bool {
	for i := range r.defaults {
		if r.defaults[i].name == name {
			return true
		}
	}
	return false
}

func indexOf(values []Value, name string) int {
	for i := range values {
		if values[i].name == name {
			return i
		}
	}
	return -1
}
