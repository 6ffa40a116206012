//go:build !unix

package serving

// connectionsByDefault is a large number: the system does not limit descriptors.
func connectionsByDefault() int { return 1 << 20 }
