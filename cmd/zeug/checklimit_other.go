//go:build !linux

package main

// limitCheck does nothing: GOMEMLIMIT bounds the heap as far as it can.
func limitCheck() {}
