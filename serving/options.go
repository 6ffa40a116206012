package serving

import (
	"log/slog"
	"time"
)

// Options are the settings of [Run]. The zero value is a server for production
// with every limit on; a duration or a number below zero lifts a limit.
type Options struct {
	// Debug shows tracebacks in the browser. It is for development: never
	// set it where strangers can reach the server.
	Debug bool
	// Reload rebuilds and restarts the application when its source changes.
	Reload bool

	// Logger receives what the server has to say, and a line for each request.
	// By default that is plain lines on a terminal's standard error, and JSON
	// when standard error is anything else.
	Logger *slog.Logger
	// NoAccessLog leaves out the line for each request.
	NoAccessLog bool

	// HeaderTimeout is how long a client may take to send a request's header;
	// 10 s by default.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection is kept between two requests; 2 min
	// by default.
	IdleTimeout time.Duration
	// MaxHeader is how many bytes a request's line and header may take; beyond
	// it the answer is 431. 64 KiB by default.
	MaxHeader int

	// DrainTimeout is how long requests that run when the server is told to
	// stop may go on; 30 s by default.
	DrainTimeout time.Duration
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = defaultLogger()
	}
	preset(&o.HeaderTimeout, 10*time.Second)
	preset(&o.IdleTimeout, 2*time.Minute)
	preset(&o.MaxHeader, 64<<10)
	preset(&o.DrainTimeout, 30*time.Second)
}

// preset gives v its default where it is zero.
func preset[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}
