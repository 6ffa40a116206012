//go:build !race

package compress_test

// poolsKeep says that a sync.Pool keeps its items. The race detector drops some of it at random.
const poolsKeep = true
