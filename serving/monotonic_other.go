//go:build unix && !linux

package serving

// monotonic returns 0: this system has no systemd.
func monotonic() int64 { return 0 }
