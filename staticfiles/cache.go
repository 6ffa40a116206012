package staticfiles

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// cache is a bounded map for many readers. Entries that were not used since the hand last passed
// them are removed first (the CLOCK algorithm). So a read changes at most one bit.
type cache[V any] struct {
	seed   maphash.Seed
	shards []shard[V]
}

type shard[V any] struct {
	mu     sync.RWMutex
	byKey  map[string]*slot[V]
	ring   []*slot[V]
	hand   int
	weight int64
	budget int64
}

type slot[V any] struct {
	key    string
	value  V
	weight int64
	at     int // in the ring
	used   atomic.Bool
}

// slotWeight is about how many bytes a slot needs besides its key and value.
const slotWeight = 160

// newCache returns a cache for values with a total weight of budget bytes.
// largest is the largest weight for which there must be room.
func newCache[V any](budget, largest int64) *cache[V] {
	n := 1
	for n < 16 && budget/int64(2*n) >= 8*largest {
		n *= 2
	}
	c := &cache[V]{seed: maphash.MakeSeed(), shards: make([]shard[V], n)}
	for i := range c.shards {
		c.shards[i].byKey = make(map[string]*slot[V])
		c.shards[i].budget = budget / int64(n)
	}
	return c
}

func (c *cache[V]) shard(key string) *shard[V] {
	return &c.shards[maphash.String(c.seed, key)&uint64(len(c.shards)-1)]
}

func (c *cache[V]) get(key string) (value V, ok bool) {
	s := c.shard(key)
	s.mu.RLock()
	found := s.byKey[key]
	if found == nil {
		s.mu.RUnlock()
		return value, false
	}
	value = found.value
	s.mu.RUnlock()
	if !found.used.Load() {
		found.used.Store(true)
	}
	return value, true
}

// put keeps value and returns it. If key already has a value that same accepts as equal, it returns
// that value instead. A value that exceeds the budget by itself is not kept.
func (c *cache[V]) put(key string, value V, weight int64, same func(V) bool) V {
	s := c.shard(key)
	weight += int64(len(key)) + slotWeight
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.byKey[key]; old != nil {
		if same(old.value) {
			return old.value
		}
		s.remove(old)
	}
	if weight > s.budget {
		return value
	}
	s.makeRoom(weight, nil)
	added := &slot[V]{key: key, value: value, weight: weight, at: len(s.ring)}
	s.ring = append(s.ring, added)
	s.byKey[key] = added
	s.weight += weight
	return value
}

// grow adds to the weight of the value of key if same accepts the value, and reports whether there
// was room.
func (c *cache[V]) grow(key string, same func(V) bool, by int64) bool {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.byKey[key]
	if found == nil || !same(found.value) || found.weight+by > s.budget {
		return false
	}
	s.makeRoom(by, found)
	found.weight += by
	s.weight += by
	return true
}

func (c *cache[V]) remove(key string) {
	s := c.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.byKey[key]; old != nil {
		s.remove(old)
	}
}

// full reports whether most of the budget is used.
func (c *cache[V]) full() bool {
	var budget int64
	for i := range c.shards {
		budget += c.shards[i].budget
	}
	return c.weight() > budget*9/10
}

// weight is the total weight of the kept values.
func (c *cache[V]) weight() int64 {
	var sum int64
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.RLock()
		sum += s.weight
		s.mu.RUnlock()
	}
	return sum
}

func (s *shard[V]) makeRoom(weight int64, keep *slot[V]) {
	for s.weight+weight > s.budget && len(s.ring) > 0 {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		candidate := s.ring[s.hand]
		if candidate == keep {
			if len(s.ring) == 1 {
				return
			}
			s.hand++
			continue
		}
		if candidate.used.Swap(false) {
			s.hand++
			continue
		}
		s.remove(candidate)
	}
}

// remove removes old; the last entry of the ring takes its place.
func (s *shard[V]) remove(old *slot[V]) {
	delete(s.byKey, old.key)
	last := len(s.ring) - 1
	s.ring[old.at] = s.ring[last]
	s.ring[old.at].at = old.at
	s.ring[last] = nil
	s.ring = s.ring[:last]
	s.weight -= old.weight
}
