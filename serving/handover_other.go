//go:build !unix

package serving

import (
	"context"
	"errors"
	"os"
)

// asks returns the request of a signal: on this system, it is always the end.
type asks int

const (
	toEnd asks = iota
	toHandOver
	toHangUp
)

func lifeSignals(*Options) []os.Signal { return nil }

func ignoreStops() {}

func asked(os.Signal, *Options) asks { return toEnd }

// Sockets are not handed to another process on this system.
func (s *Server) handover(context.Context) (int, error) {
	return 0, errors.New("sockets are not handed over on this system")
}

func (s *Server) reportReady() {}

func terminate(int) {}

func reloading() string { return "" }
