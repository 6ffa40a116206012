package routing

import "strings"

// Paths without variables are found as a whole, before the machine is asked. The
// machine tries static text before variables in each segment, so a rule for
// exactly this path is what it would come to first.

// staticPaths finds the rules that end at such a path.
type staticPaths struct {
	textIndex
	lengths uint64 // a bit for the length of each path, modulo 64
}

// find returns the rules that end at exactly path.
func (x *staticPaths) find(path string) []*rule {
	if x.lengths>>(uint(len(path))&63)&1 == 0 {
		return nil
	}
	return x.slot(path).rules
}

// newStaticPaths returns the index of the paths listed, which differ.
func newStaticPaths(list []textSlot) staticPaths {
	x := staticPaths{textIndex: newTextIndex(len(list))}
	for _, p := range list {
		*x.slot(p.text) = p
		x.lengths |= 1 << (uint(len(p.text)) & 63)
	}
	return x
}

// staticText returns the only path that the rule's parts match, if there is one.
func (r *rule) staticText() (path string, ok bool) {
	length := 0
	for _, p := range r.way[1:] {
		if p.pattern != nil {
			return "", false
		}
		length += 1 + len(p.static)
	}
	path = r.path
	if length != len(path) { // it has slashes that were merged
		var b strings.Builder
		for _, p := range r.way[1:] {
			b.WriteByte('/')
			b.WriteString(p.static)
		}
		path = b.String()
	}
	// Of several slashes at a path's start the matcher leaves one.
	return path, !strings.HasPrefix(path, "//")
}
