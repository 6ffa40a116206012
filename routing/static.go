package routing

import (
	"math/bits"
	"strings"
)

// Paths without variables are found as a whole, before the machine is asked. The
// machine tries static text before variables in each segment, so a rule for
// exactly this path is what it would come to first.

// staticPaths is a hash table of such paths with open addresses; see
// [segmentIndex] for whom it trusts.
type staticPaths struct {
	lengths uint64 // a bit for the length of each path, modulo 64
	slots   []staticPath
}

type staticPath struct {
	path  string
	rules []*rule // of the state that the path leads to
}

// find returns the rules that end at exactly path.
func (x *staticPaths) find(path string) []*rule {
	if x.lengths>>(uint(len(path))&63)&1 == 0 {
		return nil
	}
	mask := uint64(len(x.slots) - 1)
	for h := hash(path) & mask; ; h = (h + 1) & mask {
		slot := &x.slots[h]
		if slot.path == path {
			return slot.rules
		}
		if slot.path == "" {
			return nil
		}
	}
}

// newStaticPaths returns the table of the paths listed, which differ.
func newStaticPaths(list []staticPath) (x staticPaths) {
	if len(list) == 0 {
		return x
	}
	x.slots = make([]staticPath, 2<<bits.Len(uint(len(list))))
	mask := uint64(len(x.slots) - 1)
	for _, p := range list {
		h := hash(p.path) & mask
		for x.slots[h].path != "" {
			h = (h + 1) & mask
		}
		x.slots[h] = p
		x.lengths |= 1 << (uint(len(p.path)) & 63)
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
