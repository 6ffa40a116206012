//go:build !unix

package serving

import (
	"errors"
	"os"
)

// asks says what a signal asks for: here, only for the end.
type asks int

const (
	toEnd asks = iota
	toHandOver
	toHangUp
)

func lifeSignals(*Options) []os.Signal { return nil }

func asked(os.Signal, *Options) asks { return toEnd }

// Sockets are not handed to another process on this system.
func (s *Server) handover() (int, error) {
	return 0, errors.New("sockets are not handed over on this system")
}

func reportReady() {}

func reloading() string { return "" }
