package serving

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving/certs"
)

// Options are the settings of [Run] and [Server]. The zero value is a server for production with
// every limit on. For limits, zero stands for the default, and a negative number means no limit. A
// number that is too large is an error at the start.
type Options struct {
	// Debug shows tracebacks in the browser, by middleware/debugger. It is for
	// development: never set it where strangers can reach the server. The program
	// must import serving/dev. "zeug run" imports it and sets Debug, unless the
	// environment says that this is production.
	Debug bool
	// PassPanics lets a panic of the application end the process, where Delve or
	// another debugger stops at it; otherwise it is answered with 500. It is
	// Werkzeug's passthrough_errors.
	PassPanics bool
	// Reload rebuilds and restarts the application when its source changes,
	// and reloads the pages that browsers show of it: package reload. It wants
	// the go command, the program's source, and an import of serving/dev.
	Reload bool
	// Watch holds more files, folders and patterns whose change restarts the application, and
	// Exclude patterns of files whose change does not; reload.Config says more.
	Watch, Exclude []string
	// Assets holds folders of files that the program reads while it runs under
	// a supervisor: a change reloads the pages in the browser, and the program
	// goes on. Folders named templates and static are that by themselves, unless
	// the program embeds them.
	Assets []string
	// Poll above zero has Reload look at files in this interval, instead of
	// waiting for the system to tell: for folders mounted from elsewhere.
	Poll time.Duration

	// StaticFiles serves files in front of the application: a folder, or one file, below a URL
	// prefix, as {"/static": "static"}. Package staticfiles has more settings, as a middleware.
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
	// TLS is the source of certificates; nil serves without TLS. With it HTTP/2 is served too.
	// Addresses of other protocols do without.
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
	// ProxyFix says which proxies in front are trusted, and with which header fields. The access
	// log, the debugger and the application see the client, the host and the scheme that it finds.
	// The zero value trusts no proxy.
	ProxyFix middleware.ProxyFix
	// AccessLog is how the line for each request is written. It has the client and the status that
	// the client received, whichever handler answered. Its Logger is that of the server by
	// default.
	//
	// If that is [DefaultLogger] and standard error is not a terminal, the lines are written up to 10
	// ms later, many at once, so that no request waits for a disk or a pipe. Up to 1 MiB of lines may
	// wait for an output that stalls. Further lines are then dropped, and a warning says how many. The
	// end of [Run] and of [Server.Shutdown] writes all lines that wait, for at most 5 s. They are lost
	// if the process ends otherwise (os.Exit, SIGKILL, a panic outside of requests).
	AccessLog middleware.AccessLog
	// NoAccessLog leaves out the line for each request.
	NoAccessLog bool
	// PIDFile is written with the number of the process once it serves, and
	// removed at the end. The process holds a lock (fcntl) on the file while it
	// serves: a server that finds the file held by another one does not start.
	PIDFile string

	// Start is called by [Run] when the addresses are open and before connections are accepted.
	// Use it for work that takes long, that must not happen twice, or that is useless if an
	// address is taken. Its argument is the list of URLs, as the log will have it. Its error
	// becomes that of Run, as a [StartError].
	Start func(urls []string) error
	// HangUp is called for SIGHUP, for an application that has something to load again. SIGUSR2 does
	// then what SIGHUP does without: it starts the executable and hands over. An error is logged, and
	// the server goes on.
	HangUp func() error

	// Health is the path that answers 200 as long as the process serves, and
	// Ready the one that answers 200 as long as it should be sent requests: not
	// once it drains, nor while Check fails. Empty paths answer nothing. Neither
	// reaches the application or the access log.
	Health, Ready string
	// Check says why the application cannot serve, nil when it can. It has 5 s.
	Check func(context.Context) error

	// HeaderTimeout is how long a client may take to send a request's header, as a
	// whole; 10 s. A client that has sent part of one is answered with 408.
	HeaderTimeout time.Duration
	// StallTimeout is how long the server waits for a client that sends nothing of a request's body,
	// or takes nothing of a response; 30 s. It does not bound an upload, download or stream that goes
	// on. Data that the client takes of a response restarts it, and data that it sends of a body gives
	// time back, as MinRate says.
	StallTimeout time.Duration
	// MinRate is how many bytes of a body a client must send in a second, over the time that the
	// server waits for it; 500, of which the slowest phones reach ten times as much. Each MinRate
	// bytes give a second back to StallTimeout, up to the whole of it: a client that sends single
	// bytes is cut a little later than one that sends nothing. If it is negative, each byte gives
	// back the whole StallTimeout. It is MinRate of Apache's mod_reqtimeout. Without a
	// StallTimeout it has no effect.
	MinRate int
	// IdleTimeout is how long a connection is kept between two requests; 2 min.
	IdleTimeout time.Duration
	// MaxHeader is how many bytes a request's line and header may take; 64 KiB.
	// Beyond it the response is 431.
	MaxHeader int
	// MaxConnections is how many connections are served at once; by default nine
	// tenths of the descriptors the process may have. At the limit a new client gets
	// the place of the connection that has been idle longest. If none is idle, it gets
	// that of the client that has kept the server waiting longest, for half a second
	// at least, with a header, a body or a response. If the server waits for none of
	// them, the new client waits.
	MaxConnections int

	// DrainDelay is how long the server goes on as before after it has been told
	// to stop, with Ready answering 503, so that a load balancer looks elsewhere;
	// none by default.
	DrainDelay time.Duration
	// DrainTimeout is how long requests may go on after that; 30 s. Event
	// streams and websockets, which would never end, are told to end at once.
	DrainTimeout time.Duration
}

// complete checks o and sets the defaults.
func (o *Options) complete() error {
	if o.Logger == nil {
		o.Logger = DefaultLogger()
	}
	o.completeAccessLog()
	if err := o.completeLimits(); err != nil {
		return err
	}
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
		tools, err := developmentTools("Debug")
		if err != nil {
			return err
		}
		if err := tools.CheckDebugger(); err != nil {
			return fmt.Errorf("serving: Options.Debug: %w", err)
		}
	}
	if err := o.ProxyFix.Check(); err != nil {
		return fmt.Errorf("serving: Options.ProxyFix: %w", err)
	}
	if len(o.Companions) > 0 && o.TLS == nil {
		return errors.New("serving: Options.Companions want certificates: set Options.TLS")
	}
	return nil
}

// completeLimits checks the numbers of o and sets the defaults.
func (o *Options) completeLimits() error {
	return cmp.Or(
		limits.Set(&o.HeaderTimeout, "serving: Options.HeaderTimeout", 10*time.Second, limits.Forever),
		limits.Set(&o.StallTimeout, "serving: Options.StallTimeout", 30*time.Second, limits.Forever),
		limits.Set(&o.MinRate, "serving: Options.MinRate", 500, unlimited),
		limits.Set(&o.IdleTimeout, "serving: Options.IdleTimeout", 2*time.Minute, limits.Forever),
		limits.Set(&o.MaxHeader, "serving: Options.MaxHeader", 64<<10, unlimited),
		limits.Set(&o.MaxConnections, "serving: Options.MaxConnections", connectionsByDefault(), unlimited),
		limits.Set(&o.DrainTimeout, "serving: Options.DrainTimeout", 30*time.Second, limits.Forever),
		limits.Within(o.DrainDelay, "serving: Options.DrainDelay", 0, limits.Forever),
		limits.Within(o.Poll, "serving: Options.Poll", 0, limits.Forever),
		limits.Within(int64(o.SocketMode), "serving: Options.SocketMode", 0, int64(fs.ModePerm)),
	)
}

// unlimited stands for a number that has no limit.
const unlimited = 1 << 30

// stall is StallTimeout, 0 if there is no limit.
func (o *Options) stall() time.Duration { return o.StallTimeout % limits.Forever }

// rate is MinRate, 0 if there is no limit.
func (o *Options) rate() int64 { return int64(o.MinRate % unlimited) }
