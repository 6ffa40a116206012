//go:build unix

package serving

import "syscall"

// connectionsByDefault is nine tenths of the descriptors the process may have.
func connectionsByDefault() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || limit.Cur > 1<<20 {
		return 1 << 20
	}
	return max(int(limit.Cur)/10*9, 16)
}
