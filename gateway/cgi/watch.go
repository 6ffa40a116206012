package cgi

import (
	"io"
	"os"
	"time"
)

// patience is how long a request is worked on before its output is watched:
// most are answered sooner.
const patience = 20 * time.Millisecond

// watch has gone called when nobody is left to read out, which a web server
// closes when it has lost its client. That can be seen of pipes and sockets, on
// Linux.
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
