//go:build !linux

package accept

import (
	"errors"
	"syscall"
)

// hungUp is not available here.
func hungUp(syscall.RawConn) (bool, error) { return false, errors.ErrUnsupported }
