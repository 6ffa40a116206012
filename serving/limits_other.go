//go:build !unix

package serving

// connectionsByDefault: the system has no limit of descriptors.
func connectionsByDefault() int { return 1 << 20 }
