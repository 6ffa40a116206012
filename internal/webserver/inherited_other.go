//go:build !unix

package webserver

import "os"

// listens reports false: such systems hand over pipes, which [net] cannot use.
func listens(*os.File) bool { return false }
