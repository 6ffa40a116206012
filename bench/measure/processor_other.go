//go:build !unix

package measure

import "time"

// processorTime is the clock where the process's own time is not to be had.
func processorTime() time.Duration { return time.Since(start) }

var start = time.Now()
