//go:build !linux || otherunix

package wsgi

import "errors"

const sharesMemory = false

func sharedMemory(file, int) ([]byte, error) {
	return nil, errors.New("wsgi: no memory is shared on this system")
}

func unmap([]byte) {}
