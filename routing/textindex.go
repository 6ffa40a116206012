package routing

import (
	"math/bits"
	"slices"
)

// A textIndex finds rules by a text: by an endpoint's name, or by a path as a
// whole. It is a hash table with open addresses, which knows that what it holds
// never leaves and that nobody but the rules' author chooses it: it is twice as
// fast as a map.
type textIndex struct {
	slots []textSlot
}

type textSlot struct {
	text  string
	rules []*rule // nil where the slot is free
}

// newTextIndex returns an index with room for n texts.
func newTextIndex(n int) textIndex {
	if n == 0 {
		return textIndex{}
	}
	return textIndex{make([]textSlot, 2<<bits.Len(uint(n)))}
}

// slot returns the slot of text, which is free if the index does not have it.
// There must be slots.
func (x *textIndex) slot(text string) *textSlot {
	mask := uint64(len(x.slots) - 1)
	for h := hash(text) & mask; ; h = (h + 1) & mask {
		if slot := &x.slots[h]; slot.text == text || slot.rules == nil {
			return slot
		}
	}
}

// find returns the rules of text, nil if there are none.
func (x *textIndex) find(text string) []*rule {
	if len(x.slots) == 0 {
		return nil
	}
	return x.slot(text).rules
}

// newEndpoints returns the index of rules by their endpoints, in the order given.
func newEndpoints(rules []*rule) textIndex {
	x := newTextIndex(len(rules))
	// Most endpoints have one rule: each gets its place in one list, and only
	// those with more get lists of their own.
	list := slices.Clone(rules)
	for i, r := range rules {
		slot := x.slot(r.endpoint)
		if slot.rules == nil {
			slot.text, slot.rules = r.endpoint, list[i:i+1:i+1]
		} else {
			slot.rules = append(slot.rules, r)
		}
	}
	return x
}

// hash mixes the bytes of s, sixteen at a time.
func hash(s string) uint64 {
	const k, l = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
	n := len(s)
	h := uint64(n) * k
	for len(s) > 16 {
		h = mix(h^eight(s), l^eight(s[8:]))
		s = s[16:]
	}
	// What is left is read from both ends, which may overlap.
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

func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low
}

func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func four(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
