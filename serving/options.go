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

	"github.com/zeugkit/zeug/internal/http3server"
	"github.com/zeugkit/zeug/internal/limits"
	"github.com/zeugkit/zeug/middleware"
	"github.com/zeugkit/zeug/serving/certs"
)

// Options are the settings of [Run] and [Server]. The zero value is a server for production with
// every limit on. For limits, zero means the default, and a negative number means no limit. A
// number that is too large is an error when the server starts.
type Options struct {
	// Debug shows tracebacks in the browser, with middleware/debugger. It is
	// for development: never set it where strangers can reach the server. The
	// program must import serving/dev. "zeug run" imports it and sets Debug,
	// unless the environment says that this is production.
	Debug bool
	// PassPanics lets a panic of the application end the process, where Delve or
	// another debugger stops at it; otherwise it is answered with 500. It
	// corresponds to Werkzeug's passthrough_errors.
	PassPanics bool
	// Reload rebuilds and restarts the application when its source changes, and
	// reloads its pages in browsers; see package reload. It needs the go
	// command, the program's source, and an import of serving/dev.
	Reload bool
	// Watch holds more files, folders and patterns whose change restarts the application. Exclude
	// holds patterns of files whose change does not; see reload.Config.
	Watch, Exclude []string
	// Assets holds folders of files that the program reads while it runs under
	// a supervisor: a change reloads the pages in the browser, and the program
	// keeps running. Folders named templates and static have that effect
	// without being listed, unless the program embeds them.
	Assets []string
	// If Poll is above zero, Reload checks the files at this interval, instead
	// of waiting for events of the system: use it for folders that are mounted
	// from elsewhere.
	Poll time.Duration

	// StaticFiles serves files in front of the application: a folder, or one file, below a URL
	// prefix, as {"/static": "static"}. Package staticfiles has more settings for a middleware.
	StaticFiles map[string]string

	// Listen holds more addresses to serve at, in the forms of package listen.
	// They may be for HTTP, or for the protocols of servers in front.
	Listen []string
	// SocketMode is the permission of unix sockets; 0 leaves it to the umask.
	SocketMode fs.FileMode
	// WrapListener changes each listener before TLS: serving/proxyprotocol has
	// one that reads the PROXY protocol. "zeug run" has its own listeners and
	// does not use it.
	WrapListener func(net.Listener) net.Listener
	// TLS is the source of certificates; nil serves without TLS. With TLS, HTTP/2 is served too.
	// Addresses of other protocols do not use it.
	TLS certs.Source
	// H2C serves HTTP/2 without TLS as well, to clients that know that the server supports it.
	H2C bool
	// HTTP3 serves HTTP/3 as well: set it to http3.New(), of the module serving/http3. It wants TLS.
	// A server under a supervisor leaves it out, because the supervisor's sockets outlive the process.
	HTTP3 http3server.Server

	// Logger receives the server's messages, and a record for each request. By
	// default it writes plain lines if standard error is a terminal, and JSON
	// otherwise.
	Logger *slog.Logger
	// ProxyFix says which proxies in front are trusted, and with which header fields. The access
	// log, the debugger and the application see the client, the host and the scheme that ProxyFix
	// finds. The zero value trusts no proxy.
	ProxyFix middleware.ProxyFix
	// AccessLog is how the line for each request is written. The line has the client, and the
	// status that the client received, whichever handler answered. By default its Logger is the
	// server's Logger.
	//
	// If that is [DefaultLogger] and standard error is not a terminal, the lines are buffered for
	// up to 10 ms and written together, so that no request waits for a disk or a pipe. Up to 1 MiB
	// of lines may wait for an output that stalls. Further lines are then dropped, and a warning
	// says how many. At the end of [Run] and of [Server.Shutdown] all waiting lines are written,
	// within 5 s. They are lost if the process ends in another way (os.Exit, SIGKILL, a panic
	// outside of requests).
	AccessLog middleware.AccessLog
	// NoAccessLog leaves out the line for each request.
	NoAccessLog bool
	// PIDFile is written with the number of the process once it serves, and
	// removed at the end. The process holds a lock (fcntl) on the file while it
	// serves: if another server holds the file, this one does not start.
	PIDFile string

	// Start is called by [Run] when the addresses are open and before connections are accepted.
	// Use it for work that takes long, that must not be done twice, or that is useless if an
	// address is in use. Its argument is the list of URLs, as in the log. If it returns an error,
	// Run returns it.
	Start func(urls []string) error
	// HangUp is called for SIGHUP. Set it if the application has files to load again. With HangUp,
	// SIGUSR2 does what SIGHUP does without it: it starts the executable and hands over. An error
	// is logged, and the server keeps serving.
	HangUp func() error

	// Health is a path that answers with 200 as long as the process serves.
	// Ready is a path that answers with 200 as long as the process should get
	// requests: not while it drains, and not while Check fails. An empty path
	// switches the check off. Requests for these paths do not reach the
	// application or the access log.
	Health, Ready string
	// Check returns an error that says why the application cannot serve, or nil if it can. Check
	// must return within 5 s.
	Check func(context.Context) error

	// HeaderTimeout is how long a client may take to send the whole header of a
	// request; 10 s. If it has sent a part of a header, it is answered with
	// 408.
	HeaderTimeout time.Duration
	// StallTimeout is how long the server waits for a client that does not send a request's body,
	// or does not read a response; 30 s. It does not limit an upload, download or stream that makes
	// progress. The wait starts again when the client reads data of a response. Data of a body
	// gives time back, depending on MinRate.
	StallTimeout time.Duration
	// MinRate is how many bytes of a body a client must send in a second, over the time that the
	// server waits for it; 500. The slowest phones are ten times as fast. MinRate bytes give one
	// second back to StallTimeout, up to its full length. So a client that sends single bytes is
	// cut a little later than one that sends nothing. If it is negative, each byte gives back the
	// whole StallTimeout. It corresponds to MinRate of Apache's mod_reqtimeout. Without a
	// StallTimeout it has no effect.
	MinRate int
	// IdleTimeout is how long a connection is kept between two requests; 2 min.
	IdleTimeout time.Duration
	// MaxHeader is how many bytes a request's line and header may take; 64 KiB.
	// A longer one is answered with 431.
	MaxHeader int
	// MaxConnections is how many connections are served at once; by default nine
	// tenths of the descriptors the process may have. When the limit is reached, a new client gets
	// the place of the connection that has been idle longest. If none is idle, it gets the place of
	// the client that has kept the server waiting longest (for at least half a second) for a
	// header, a body or a response. If the server waits for no client, the new client waits.
	MaxConnections int

	// DrainDelay is how long the server serves as before after it has been told
	// to stop; none by default. Meanwhile Ready answers with 503, so that a
	// load balancer uses other servers.
	DrainDelay time.Duration
	// DrainTimeout is how long requests may continue after that; 30 s. Event
	// streams and websockets, which would never end, are ended at once.
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
	if o.HTTP3 != nil && o.TLS == nil {
		return errors.New("serving: Options.HTTP3 wants certificates: set Options.TLS")
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
