package wsgi

import "sync/atomic"

// budget is how many more bytes may be kept.
type budget struct{ left atomic.Int64 }

// take reports whether n more bytes may be kept; they count until they are
// returned.
func (b *budget) take(n int64) bool {
	if b.left.Add(-n) >= 0 {
		return true
	}
	b.left.Add(n)
	return false
}

func (b *budget) give(n int64) { b.left.Add(n) }
