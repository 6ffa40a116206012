//go:build !linux

package wsgi

import "errors"

func sharedMemory(file, int) ([]byte, error) {
	return nil, errors.New("wsgi: no memory is shared on this system")
}

func unmap([]byte) {}
