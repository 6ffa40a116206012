//go:build !unix

package pidfile

import "os"

func lock(*os.File) error { return nil }

func holder(*os.File) (pid int, held bool) { return 0, false }
