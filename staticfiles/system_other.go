//go:build !unix

package staticfiles

import "io/fs"

const openFlags = 0

func inode(fs.FileInfo) uint64 { return 0 }

// exhausted reports whether err is about the machine, not about the file.
func exhausted(error) bool { return false }
