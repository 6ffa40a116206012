//go:build !linux || (!amd64 && !arm64)

package corefile

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

func write(int, func(int64) (*os.File, error)) (int64, error) {
	return 0, fmt.Errorf("write core on %s/%s: %w", runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}
