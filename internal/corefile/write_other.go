//go:build !linux || (!amd64 && !arm64)

package corefile

import (
	"errors"
	"fmt"
	"runtime"
)

func write(string, int, int64) (int64, error) {
	return 0, fmt.Errorf("write core on %s/%s: %w", runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}
