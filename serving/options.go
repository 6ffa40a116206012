package serving

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/zeugkit/zeug/serving/certs"
)

// Options are the settings of [Run] and [Server]. The zero value is a server
// for production with every limit on. Of the limits, zero stands for the
// default, and a number below zero lifts the limit.
type Options struct {
	// Debug shows tracebacks in the browser, by middleware/debugger. It is for
	// development: never set it where strangers can reach the server.
	Debug bool
	// PassPanics lets a panic of the application end the process, where Delve or
	// another debugger stops at it; otherwise it is answered with 500. It is
	// Werkzeug's passthrough_errors.
	PassPanics bool
	// Reload rebuilds and restarts the application when its source changes,
	// and reloads the pages that browsers show of it: package reload. It wants
	// the go command and the program's source.
	Reload bool
	// Watch holds more files, folders and patterns whose change restarts the
	// application, Exclude patterns of what does not; reload.Config says more.
	Watch, Exclude []string
	// Assets holds folders of files that the program reads while it runs under
	// a supervisor: a change reloads the pages in the browser, and the program
	// goes on. Folders named templates and static are that by themselves, unless
	// the program embeds them.
	Assets []string
	// Poll above zero has Reload look at files in this interval, instead of
	// waiting for the system to tell: for folders mounted from elsewhere.
	Poll time.Duration

	// StaticFiles answers with files before the application is asked: of a
	// folder, or one file, below a URL prefix, as {"/static": "static"}. Package
	// staticfiles has more settings, as a middleware.
	StaticFiles map[string]string

	// Listen holds more addresses to serve at, in the forms of package listen:
	// of HTTP, and of the protocols that servers in front may speak.
	Listen []string
	// SocketMode is the permission of unix sockets; 0 leaves it to the umask.
	SocketMode fs.FileMode
	// WrapListener changes each listener before TLS: serving/proxyprotocol
	// gives one that reads the PROXY protocol. "zeug run" listens by itself and
	// does without.
	WrapListener func(net.Listener) net.Listener
	// TLS is where certificates come from; nil serves without TLS. With it
	// HTTP/2 is served too. Addresses of other protocols do without.
	TLS certs.Source
	// H2C serves HTTP/2 without TLS as well, to clients that know beforehand.
	H2C bool
	// Companions serve the same application by other transports; serving/http3
	// is one. They are left out under a supervisor, whose sockets outlive the
	// process.
	Companions []Companion

	// Logger receives what the server has to say, and a line for each request.
	// By default that is plain lines on a terminal's standard error, and JSON
	// when standard error is anything else.
	Logger *slog.Logger
	// NoAccessLog leaves out the line for each request, which names whom the
	// server spoke with: behind a proxy, use middleware.AccessLog inside of
	// middleware.ProxyFix.
	NoAccessLog bool
	// PIDFile is written with the number of the process once it serves.
	PIDFile string

	// Start is called by [Run] when the addresses are open and nothing has been
	// accepted there: the place for what takes long, or must not happen twice, and
	// is in vain where an address is taken. It is told where that is, as the log
	// will be. Its error is that of Run, as a [StartError].
	Start func(urls []string) error
	// HangUp is what SIGHUP does, for an application that has something of its own
	// to load anew. SIGUSR2 does then what SIGHUP does without: it starts the
	// executable and hands over. An error is logged, and the server goes on.
	HangUp func() error

	// Health is the path that answers 200 as long as the process serves, and
	// Ready the one that answers 200 as long as it should be sent requests: not
	// once it drains, nor while Check fails. Empty paths answer nothing. Neither
	// reaches the application or the access log.
	Health, Ready string
	// Check says why the application cannot serve, nil when it can. It has 5 s.
	Check func(context.Context) error

	// HeaderTimeout is how long a client may take to send a request's header;
	// 10 s. A client that began one is answered 408.
	HeaderTimeout time.Duration
	// StallTimeout is how long a client may send nothing of a body that is
	// waited for, or take nothing of an answer; 30 s. Each byte begins it anew,
	// so that it bounds no upload, download or stream that goes on.
	StallTimeout time.Duration
	// IdleTimeout is how long a connection is kept between two requests; 2 min.
	IdleTimeout time.Duration
	// MaxHeader is how many bytes a request's line and header may take; 64 KiB.
	// Beyond it the answer is 431.
	MaxHeader int
	// MaxConnections is how many connections are open at once; by default nine
	// tenths of the descriptors the process may have. At the limit the one that
	// has been idle longest makes room, and where none is idle, new clients wait.
	MaxConnections int

	// DrainDelay is how long the server goes on as before after it has been told
	// to stop, with Ready answering 503, so that a load balancer looks elsewhere;
	// none by default.
	DrainDelay time.Duration
	// DrainTimeout is how long requests may go on after that; 30 s. Event
	// streams and websockets, which would never end, are told to end at once.
	DrainTimeout time.Duration
}

// complete checks o and puts in the defaults.
func (o *Options) complete() error {
	if o.Logger == nil {
		o.Logger = DefaultLogger()
	}
	preset(&o.HeaderTimeout, 10*time.Second)
	preset(&o.StallTimeout, 30*time.Second)
	preset(&o.IdleTimeout, 2*time.Minute)
	preset(&o.MaxHeader, 64<<10)
	preset(&o.MaxConnections, connectionsByDefault())
	preset(&o.DrainTimeout, 30*time.Second)
	for name, path := range map[string]string{"Health": o.Health, "Ready": o.Ready} {
		if path != "" && path[0] != '/' {
			return fmt.Errorf("serving: Options.%s is the path %q: begin it with a slash", name, path)
		}
	}
	if o.Check != nil && o.Ready == "" {
		return errors.New("serving: Options.Check is asked by Options.Ready: give that a path")
	}
	for prefix, path := range o.StaticFiles {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("serving: Options.StaticFiles[%q] names a file or folder that is not there: paths are relative to the working directory: %w", prefix, err)
		}
	}
	if o.Debug {
		if err := (&Server{}).debugger().Check(); err != nil {
			return fmt.Errorf("serving: Options.Debug: %w", err)
		}
	}
	if len(o.Companions) > 0 && o.TLS == nil {
		return errors.New("serving: Options.Companions want certificates: set Options.TLS")
	}
	return nil
}

// preset gives v its default where it is zero.
func preset[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}
