//go:build unix && !linux

package serving

// monotonic: there is no systemd to be told.
func monotonic() int64 { return 0 }
