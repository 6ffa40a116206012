package routing

// A slab hands out pieces of few large allocations: a table is made of very many
// small lists that live and die together.
type slab[E any] struct {
	free []E
	size int // of the last allocation
}

// mostAtOnce is how many elements are allocated at a time at most.
const mostAtOnce = 256

// list returns an empty list with room for n elements, which grows like any
// other beyond that.
func (s *slab[E]) list(n int) []E {
	if n > mostAtOnce/4 {
		return make([]E, 0, n)
	}
	if n > len(s.free) {
		s.size = min(max(2*s.size, 4, n), mostAtOnce)
		s.free = make([]E, s.size)
	}
	list := s.free[:0:n]
	s.free = s.free[n:]
	return list
}

// one returns an element.
func (s *slab[E]) one() *E { return &s.list(1)[:1][0] }
