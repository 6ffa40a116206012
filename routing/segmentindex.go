package routing

import "math/bits"

// A segmentIndex finds a static transition by its first segment, as a textIndex
// does, while rules are still added.
type segmentIndex []int32 // places in the list of kids, plus 1; 0 is free

// fewKids is up to how many transitions are compared one by one.
const fewKids = 6

// find returns the place of the kid whose first segment is segment, or -1.
func (x segmentIndex) find(kids []kid, segment string) int {
	mask := uint64(len(x) - 1)
	for h := hash(segment) & mask; ; h = (h + 1) & mask {
		i := int(x[h]) - 1
		if i < 0 {
			return -1
		}
		if label := kids[i].label; len(label) >= len(segment) && label[:len(segment)] == segment &&
			(len(label) == len(segment) || label[len(segment)] == '/') {
			return i
		}
	}
}

// grown returns the index with the last of kids, whose labels are single
// segments; nil while there are few.
func (x segmentIndex) grown(kids []kid) segmentIndex {
	n := len(kids)
	if n <= fewKids {
		return nil
	}
	if 2*n <= len(x) {
		x.insert(kids, n-1)
		return x
	}
	x = make(segmentIndex, 4<<bits.Len(uint(n)))
	for i := range kids {
		x.insert(kids, i)
	}
	return x
}

func (x segmentIndex) insert(kids []kid, i int) {
	mask := uint64(len(x) - 1)
	h := hash(kids[i].label) & mask
	for x[h] != 0 {
		h = (h + 1) & mask
	}
	x[h] = int32(i) + 1
}
