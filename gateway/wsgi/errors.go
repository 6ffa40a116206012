package wsgi

import (
	"errors"
	"strings"
)

// The reasons of responses with the status 503 and 504, and of a start that failed.
var (
	// ErrQueueFull says that Config.MaxQueue requests were waiting.
	ErrQueueFull = errors.New("wsgi: too many requests wait for a worker")
	// ErrQueueTimeout says that no worker was free within Config.QueueTimeout.
	ErrQueueTimeout = errors.New("wsgi: no worker was free in time")
	// ErrTimeout says that a worker was silent for Config.RequestTimeout.
	ErrTimeout = errors.New("wsgi: the application did not answer in time")
	// ErrStartTimeout says that a worker was not ready within Config.StartTimeout.
	// It is an error of [Start] and [Application.Reload] that may pass.
	ErrStartTimeout = errors.New("wsgi: the import took too long")
	// ErrStartEnded says that a worker ended before it was ready: the system has
	// killed it, for example. It is an error of [Start] and [Application.Reload]
	// that may pass.
	ErrStartEnded = errors.New("wsgi: a worker ended before it was ready")
	// ErrClosed says that the application is being shut down.
	ErrClosed = errors.New("wsgi: the application is shut down")
)

// Traceback is a Python exception, either of the import (as an error of [Start] and
// [Application.Reload]) or of a request.
type Traceback struct {
	Importing bool
	// Text is the traceback as Python prints it.
	Text string
}

// Error returns the exception; for an import it returns the whole traceback. The traceback of a
// request is in the output of the worker.
func (t *Traceback) Error() string {
	if t.Importing {
		return "wsgi: the application cannot be imported: " + t.exception() + "\n" + strings.TrimRight(t.Text, "\n")
	}
	return "wsgi: the application raised " + t.exception()
}

// exception is the traceback's last line.
func (t *Traceback) exception() string {
	text := strings.TrimRight(t.Text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}
