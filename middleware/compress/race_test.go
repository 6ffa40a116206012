//go:build race

package compress_test

// poolsKeep says that a sync.Pool keeps its items. The race detector makes a sync.Pool drop some
// items at random.
const poolsKeep = false
