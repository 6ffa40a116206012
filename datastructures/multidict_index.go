package datastructures

import "sync/atomic"

// How a key is looked up in a large dictionary: Walking the items is fastest for the sizes that
// requests have, but reading all fields of a form with n of them would take n²/2 steps. So a
// dictionary of more than a few items counts how often it is walked, and notes the positions of
// each key after many walks:
//
//	items   a=1 b=2 a=3 c=4
//	spans   a: 0…2, b: 1…1, c: 3…3
//	next    2 0 0 0                  the next item with the same key, 0 if there is none
//
// Adding an item keeps the notes. Removing one drops them and restarts the count, so that a caller
// that removes and reads in turn never pays for notes.

const (
	fewItems  = 64 // with so few items they are always walked
	manyWalks = 16 // walks before the positions are noted
)

// keyIndex finds the items of a key. Reading at the same time is allowed, so readers
// note the positions atomically.
type keyIndex struct {
	walks atomic.Int32
	noted atomic.Pointer[positions]
}

// positions are where the items of each key are.
type positions struct {
	spans map[string]span
	next  []int32
}

// span is the first and the last position of a key.
type span struct{ first, last int32 }

func (p *positions) add(key string) {
	at := int32(len(p.next))
	p.next = append(p.next, 0)
	s, known := p.spans[key]
	if known {
		p.next[s.last] = at
	} else {
		s.first = at
	}
	s.last = at
	p.spans[key] = s
}

// positions returns where the keys are. If it returns nil, the items must be walked.
func (d *MultiDict[V]) positions() *positions {
	if d.index == nil {
		return nil
	}
	if p := d.index.noted.Load(); p != nil {
		return p
	}
	if d.index.walks.Add(1) <= manyWalks {
		return nil
	}
	p := &positions{make(map[string]span, len(d.items)), make([]int32, 0, len(d.items))}
	for i := range d.items {
		p.add(d.items[i].Key)
	}
	d.index.noted.Store(p)
	return p
}

// find returns the position of the first item of key, -1 if there is none.
func (d *MultiDict[V]) find(key string) int {
	if p := d.positions(); p != nil {
		if s, ok := p.spans[key]; ok {
			return int(s.first)
		}
		return -1
	}
	for i := range d.items {
		if d.items[i].Key == key {
			return i
		}
	}
	return -1
}

// grown follows an item that was added at the end.
func (d *MultiDict[V]) grown(key string) {
	if d.index == nil {
		if len(d.items) > fewItems {
			d.index = new(keyIndex)
		}
	} else if p := d.index.noted.Load(); p != nil {
		p.add(key)
	}
}

// moved drops the known positions.
func (d *MultiDict[V]) moved() {
	d.index = nil
	if len(d.items) > fewItems {
		d.index = new(keyIndex)
	}
}
