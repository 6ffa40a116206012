//go:build !linux

package cgi

import "os"

// hungUp is not to be had.
func hungUp(*os.File, <-chan struct{}) bool { return false }
