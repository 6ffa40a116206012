//go:build !linux

package inspect

// Cores are had on Linux alone.
func limitMemory() {}
