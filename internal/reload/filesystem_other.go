//go:build !linux

package reload

// silentFileSystem reports false: only Linux tells a folder's file system in this
// way.
func silentFileSystem(*scope) bool { return false }
