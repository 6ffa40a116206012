package accept

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The context of a second signal has ended, and nothing is left to cut.
func TestShutdownOfAnIdleServerCutsNothing(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 200 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		s := new(Server)
		served := make(chan error, 1)
		go func() { served <- s.Serve(l, Settings{}, func(*Conn, Settings) error { return nil }) }()
		require.NoError(t, s.Shutdown(ended))
		require.NoError(t, s.Shutdown(ended), "again")
		l.Close()
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	}
}
