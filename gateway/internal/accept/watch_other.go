//go:build !linux

package accept

import (
	"errors"
	"syscall"
)

// hungUp is not to be had.
func hungUp(syscall.RawConn) (bool, error) { return false, errors.ErrUnsupported }
