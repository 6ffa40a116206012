package cgi

import (
	"io"
	"os"
	"time"
)

// patience is how long a request runs before its output is watched: most are
// answered sooner.
const patience = 20 * time.Millisecond

// watch calls gone when out has no reader left; a web server closes it when it has lost its
// client. Pipes and sockets show that on Linux only.
func watch(out io.Writer, gone func()) (stop func()) {
	f, ok := out.(*os.File)
	if !ok {
		return func() {}
	}
	over := make(chan struct{})
	timer := time.AfterFunc(patience, func() {
		if hungUp(f, over) {
			gone()
		}
	})
	return func() {
		timer.Stop()
		close(over)
	}
}
