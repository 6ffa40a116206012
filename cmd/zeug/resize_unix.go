//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/zeugkit/zeug/serving"
)

// resizeOnSignals starts one more worker at each SIGTTIN and retires one at each
// SIGTTOU, as gunicorn does. The last worker stays.
func (s *pythonServer) resizeOnSignals() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTTIN, syscall.SIGTTOU)
	go func() {
		for got := range signals {
			n := s.application.Size() + 1
			if got == syscall.SIGTTOU {
				n -= 2
			}
			if n < 1 {
				continue
			}
			if err := s.application.Resize(n); err != nil {
				serving.DefaultLogger().Error("the number of workers is not changed", "signal", got.String(), "err", inFlags(err))
				continue
			}
			serving.DefaultLogger().Info("the number of workers is changed", "signal", got.String(), "workers", n)
		}
	}()
}
