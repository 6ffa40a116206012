//go:build !linux

package staticfiles

import "errors"

func sealedFile([]byte) (int, error) { return -1, errors.ErrUnsupported }

func closeSealed(int) {}
