//go:build !unix

package measure

import "time"

// ProcessorTime is the wall clock on systems where the process's own time is not available.
func ProcessorTime() time.Duration { return time.Since(start) }

var start = time.Now()
