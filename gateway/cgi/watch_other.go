//go:build !linux

package cgi

import "os"

// hungUp is not available here.
func hungUp(*os.File, <-chan struct{}) bool { return false }
