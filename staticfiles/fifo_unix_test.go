//go:build unix

package staticfiles_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// makeFIFO makes a named pipe: opening it as a file would block forever.
func makeFIFO(t *testing.T, path string) {
	require.NoError(t, syscall.Mkfifo(path, 0o600))
}
