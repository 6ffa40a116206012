//go:build !unix

package serving

import (
	"errors"
	"os"
)

// Sockets are not handed to another process on this system.
func handoverSignals() []os.Signal { return nil }

func isHandover(os.Signal) bool { return false }

func (s *Server) handover() (int, error) {
	return 0, errors.New("sockets are not handed over on this system")
}

func reportReady() {}

func reloading() string { return "" }
