//go:build !linux

package reload

// silentFileSystem: only Linux names a folder's file system this way.
func silentFileSystem(*scope) bool { return false }
