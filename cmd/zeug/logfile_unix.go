//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/zeugkit/zeug/serving"
)

// onReopen reopens the file at each SIGUSR1, until stop is called.
func onReopen(l *logFile) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for range signals {
			if err := l.reopen(); err != nil {
				serving.DefaultLogger().Error("the access log goes on in the old file", "err", err)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(signals)
	}
}
