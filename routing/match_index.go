package routing

import (
	"math/bits"
)

// Two hash tables with open addresses. Both rely on two facts: entries are never removed, and only
// the author of the rules chooses them.
//
// textIndex finds the rules of a path without variables; with a Go map such a match takes 2.1 times
// as long. segmentIndex finds a literal edge of a node that has many. With a Go map a match among
// 203 rules takes 1.12 times as long, and one in a table of 10 rules 1.2 times (bench/routing). The
// endpoints are in a map; with that, a build takes 1.07 times as long.

// With open addresses, an entry is stored in the slot that its hash names, or in the next free one
// behind it. A search begins at that slot and ends at a free one:
//
//	labels     "about" (hash 3), "user" (hash 5), "docs" (hash 3)
//	slots      0      1      2      3        4       5       6      7
//	           free   free   free   about    docs    user    free   free
//	find "docs"   3: about, no    4: docs, found
//	find "news" (hash 5)   5: user, no    6: free, not found
//
// At most half of the slots are taken, so that a search always ends, and nearly always at its first
// or second slot.

// A segmentIndex finds a literal edge by its first segment. Unlike a textIndex it grows while rules
// are added.
//
// Its hash is that of a single segment, and it compares only the first segment of a label. So it
// stays right when finish joins "api" and "v1" to the label "api/v1".
type segmentIndex []int32 // indexes in the list of edges, plus 1; 0 is free

// fewLiterals is how many edges are compared one by one at most.
const fewLiterals = 6

// find returns the index of the literalEdge whose first segment is segment, or -1.
func (x segmentIndex) find(literals []literalEdge, segment string) int {
	// The length is a power of two, so the mask takes a hash to a slot without a division.
	mask := uint64(len(x) - 1)
	for h := hash(segment) & mask; ; h = (h + 1) & mask {
		i := int(x[h]) - 1
		if i < 0 {
			return -1
		}
		if label := literals[i].label; len(label) >= len(segment) && label[:len(segment)] == segment &&
			(len(label) == len(segment) || label[len(segment)] == '/') {
			return i
		}
	}
}

// grown returns the index after the last edge was added. The edges' labels are single segments; the
// index is nil while there are few edges. For 7 to 16 edges it has 32 slots, and from 17 edges on
// 128.
func (x segmentIndex) grown(literals []literalEdge) segmentIndex {
	n := len(literals)
	if n <= fewLiterals {
		return nil
	}
	// Only the new edge is missing. A larger index is filled again from all edges, since each of
	// them may have another slot there.
	if 2*n <= len(x) {
		x.insert(literals, n-1)
		return x
	}
	x = make(segmentIndex, 4<<bits.Len(uint(n)))
	for i := range literals {
		x.insert(literals, i)
	}
	return x
}

// insert writes the edge i into the slot of its hash, or the next free one. At least half are free.
func (x segmentIndex) insert(literals []literalEdge, i int) {
	mask := uint64(len(x) - 1)
	h := hash(literals[i].label) & mask
	for x[h] != 0 {
		h = (h + 1) & mask
	}
	x[h] = int32(i) + 1
}

// A textIndex finds rules by a whole path. It has a slot for each path without variables, with the
// rules of the node where the path ends. It is made once, with all paths, and never grows.
type textIndex struct {
	slots []textSlot
}

type textSlot struct {
	text  string
	rules []*rule // nil if the slot is free
}

// newTextIndex returns an index with room for n strings. The number of slots is the first power of
// two that is more than twice as large: 8 for 3 strings, and 16 for 4.
func newTextIndex(n int) textIndex {
	if n == 0 {
		return textIndex{}
	}
	return textIndex{make([]textSlot, 2<<bits.Len(uint(n)))}
}

// slot returns the slot of text. It is free if text is not in the index. The index must have slots.
func (x *textIndex) slot(text string) *textSlot {
	mask := uint64(len(x.slots) - 1)
	for h := hash(text) & mask; ; h = (h + 1) & mask {
		if slot := &x.slots[h]; slot.text == text || slot.rules == nil {
			return slot
		}
	}
}

// hash mixes the bytes of s, sixteen at a time. As in wyhash, two words of 64 bits are multiplied
// to 128 bits, and the halves are folded. The author of the rules chooses what is in the index, not
// a client, so the hash needs no secret seed.
func hash(s string) uint64 {
	const k, l = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
	n := len(s)
	h := uint64(n) * k
	for len(s) > 16 {
		h = mix(h^eight(s), l^eight(s[8:]))
		s = s[16:]
	}
	// The remaining bytes are read from both ends, and the two parts may overlap.
	var a, b uint64
	switch n = len(s); {
	case n >= 8:
		a, b = eight(s), eight(s[n-8:])
	case n >= 4:
		a, b = four(s), four(s[n-4:])
	case n > 0:
		a = uint64(s[0])<<16 | uint64(s[n/2])<<8 | uint64(s[n-1])
	}
	return mix(h^a, l^b)
}

// mix multiplies, and folds the two halves of the product. So each bit of a and b changes many
// bits.
func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

// eight and four read bytes in little-endian order. The compiler makes one load of each, and the
// first line checks the bounds for all of them.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func four(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
