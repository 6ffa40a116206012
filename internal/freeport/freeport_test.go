package freeport_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
)

func TestEachPortIsGivenOnceAndIsFree(t *testing.T) {
	seen := map[string]bool{}
	for range 300 {
		port := freeport.Port(t)
		require.False(t, seen[port], port)
		seen[port] = true
		n, err := strconv.Atoi(port)
		require.NoError(t, err)
		require.Less(t, n, 32768, "below the ports that Linux gives to connections")
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		require.NoError(t, err)
		defer l.Close()
	}
}
