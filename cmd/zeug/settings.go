package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/certs"
)

// pythonSettings are the flags of "zeug serve", and the settings of the packages that they set.
type pythonSettings struct {
	app string

	bind       []string
	socketMode string
	cert, key  string
	h2c        bool

	dir, python      string
	env              []string
	workers, threads int
	preload          bool

	maxRequests, maxJitter int
	maxLifetime            seconds
	maxMemory              size

	timeout, startTimeout, queueTimeout seconds
	drainTimeout, drainDelay            seconds
	maxQueue                            int
	retry                               bool
	spool, maxBody                      size

	static            []string
	proxies           string
	proxyHeaders      []string
	accessLog         string
	health, readyPath string

	pidFile, controlPath string

	headerTimeout, stallTimeout, keepAlive seconds
	maxHeader                              size
	maxConnections                         int

	checkOnly, debug, validate bool
	reload, noLiveReload       bool
	watch, exclude             []string
	poll                       seconds
}

// add declares the flags with their defaults.
func (s *pythonSettings) add(cmd *cobra.Command) {
	s.workers = runtime.GOMAXPROCS(0) // what a container may use of the machine
	if n, err := strconv.Atoi(os.Getenv("WEB_CONCURRENCY")); err == nil && n > 0 {
		s.workers = n
	}
	s.timeout, s.startTimeout, s.queueTimeout = seconds(30*time.Second), seconds(60*time.Second), seconds(30*time.Second)
	s.drainTimeout, s.headerTimeout, s.stallTimeout = seconds(30*time.Second), seconds(10*time.Second), seconds(30*time.Second)
	s.keepAlive, s.maxHeader = seconds(2*time.Minute), 64<<10

	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&s.bind, "bind", "b", []string{"127.0.0.1:5000"}, "serve at this `address`: host:port, unix:///path, fd://3, or one of these behind fastcgi://, scgi:// or uwsgi://; may be repeated")
	f.StringVar(&s.socketMode, "socket-mode", "", "the `mode` of unix sockets, as in 660; by default the umask says")
	f.StringVar(&s.cert, "cert", "", "a certificate in a PEM `file`, for HTTPS and HTTP/2, or adhoc for one made on the spot")
	f.StringVar(&s.key, "key", "", "the certificate's key in a PEM `file`")
	f.BoolVar(&s.h2c, "h2c", false, "serve HTTP/2 without TLS too")

	f.StringVar(&s.dir, "dir", "", "the `folder` to import from and to run in; the current one by default")
	f.StringVar(&s.python, "python", "", "the Python `interpreter`; by default that of the virtual environment, or python3")
	f.StringArrayVarP(&s.env, "env", "e", nil, "a variable for Python, `NAME=value`; may be repeated")
	f.IntVarP(&s.workers, "workers", "w", s.workers, "how many processes; by default WEB_CONCURRENCY, or one for each core, and one with --reload")
	f.IntVar(&s.threads, "threads", 2, "how many threads in each; more for applications that wait for databases and others")
	f.BoolVar(&s.preload, "preload", false, "import once and fork the workers, which share memory then")

	f.IntVar(&s.maxRequests, "max-requests", 0, "replace a worker after so many requests; 0 is never")
	f.IntVar(&s.maxJitter, "max-requests-jitter", 0, "up to so many more, so that workers do not all leave at once")
	f.Var(&s.maxLifetime, "max-lifetime", "replace a worker after this `time`, up to a tenth more")
	f.Var(&s.maxMemory, "max-memory", "replace a worker that holds this `size` of memory, as in 300M (Linux)")

	f.VarP(&s.timeout, "timeout", "t", "the `time` a worker may say nothing about a request, which is answered 504 then")
	f.Var(&s.startTimeout, "start-timeout", "the `time` an import may take")
	f.Var(&s.queueTimeout, "queue-timeout", "the `time` a request may wait for a worker; it is answered 503 then")
	f.IntVar(&s.maxQueue, "max-queue", 1024, "how many requests may wait; others are answered 503")
	f.Var(&s.drainTimeout, "drain-timeout", "the `time` requests may go on when their worker or the server is to end")
	f.Var(&s.drainDelay, "drain-delay", "go on as before for this `time` after SIGTERM, while --ready says no")
	f.BoolVar(&s.retry, "retry", false, "ask another worker for a GET, HEAD, OPTIONS or TRACE that died with the first one")
	f.Var(&s.spool, "spool", "collect chunked bodies up to this `size`, so that they have the CONTENT_LENGTH that Django wants; larger ones are answered 413")
	f.Var(&s.maxBody, "max-body", "answer 413 to bodies beyond this `size`")

	f.StringArrayVar(&s.static, "static", nil, "answer from files before Python is asked, `URL=folder`, as in /static=static; may be repeated")
	f.StringVar(&s.proxies, "proxies", "", "how `many` proxies stand in front, or their networks, as in 10.0.0.0/8,unix: whom to believe")
	f.StringSliceVar(&s.proxyHeaders, "proxy-headers", []string{"for", "proto"}, "`which` X-Forwarded-* all of them set: for, proto, host, port, prefix; or forwarded, which is RFC 7239's")
	f.StringVar(&s.accessLog, "access-log", "log", "`where` requests are logged: log, which is beside everything else; - (standard output) or a file, in Apache's combined format; off")
	f.StringVar(&s.health, "health", "", "the `path` that answers 200 as long as the server runs")
	f.StringVar(&s.readyPath, "ready", "", "the `path` that answers 200 as long as it should be sent requests")
	f.StringVar(&s.pidFile, "pid", "", "write the number of the process to this `file`")
	f.StringVar(&s.controlPath, "control", "", "the `path` of the socket that zeug status asks, or off; by default it is beside the PID file, or in a folder of the user's")

	f.Var(&s.headerTimeout, "header-timeout", "the `time` a client may take for the header of a request")
	f.Var(&s.stallTimeout, "stall-timeout", "the `time` a client may send or take nothing")
	f.Var(&s.keepAlive, "keep-alive", "the `time` a connection is kept between two requests")
	f.Var(&s.maxHeader, "max-header", "the largest `size` of a request's header")
	f.IntVar(&s.maxConnections, "max-connections", 0, "how many connections at once; by default nine tenths of the descriptors")

	f.BoolVar(&s.checkOnly, "check", false, "import the application and end: with 0 if it can be served")
	f.BoolVar(&s.debug, "debug", false, "for development: show Python's tracebacks to clients")
	f.BoolVar(&s.validate, "validate", false, "for development: check the application with wsgiref.validate")
	f.BoolVar(&s.reload, "reload", false, "for development: restart when Python files or templates change, and load pages in the browser again")
	f.StringArrayVar(&s.watch, "watch", nil, "with --reload: another file, folder or `pattern`; may be repeated")
	f.StringArrayVar(&s.exclude, "exclude", nil, "with --reload: a `pattern` of what is left alone; may be repeated")
	f.Var(&s.poll, "poll", "with --reload: look at files in this `time` instead of waiting for the system to tell")
	f.BoolVar(&s.noLiveReload, "no-live-reload", false, "with --reload: leave pages in the browser as they are")
}

// check returns an error if the command line contradicts itself.
func (s *pythonSettings) check(cmd *cobra.Command) error {
	for _, check := range []func() error{s.checkModule, s.checkNumbers, s.checkFiles, s.checkEnv} {
		if err := check(); err != nil {
			return err
		}
	}
	if s.reload && !cmd.Flags().Changed("workers") && os.Getenv("WEB_CONCURRENCY") == "" {
		s.workers = 1
	}
	if _, err := s.statics(); err != nil {
		return err
	}
	_, err := s.proxyFix()
	return err
}

func (s *pythonSettings) checkModule() error {
	module, _, _ := strings.Cut(s.app, ":")
	switch {
	case strings.HasSuffix(module, ".py"):
		name := strings.TrimSuffix(strings.TrimPrefix(module, "./"), ".py")
		return fmt.Errorf("%s is a file: name the module in it, as in zeug serve %s", module, strings.ReplaceAll(name, "/", "."))
	case module == "" || strings.ContainsAny(module, "/\\ "):
		return fmt.Errorf("%q begins with no module: write module:name, and its folder as --dir", s.app)
	}
	return nil
}

func (s *pythonSettings) checkNumbers() error {
	switch {
	case s.workers < 1 || s.threads < 1 || s.threads > 250:
		return errors.New("--workers and --threads are 1 or more, and --threads 250 at the most")
	case s.maxQueue < 1 || s.maxRequests < 0 || s.maxJitter < 0 || s.maxConnections < 0:
		return errors.New("--max-queue is 1 or more, and other limits are not below 0")
	}
	return nil
}

// checkFiles checks the files and paths that the server uses: certificates, the pid file, the
// socket, and the paths of health checks.
func (s *pythonSettings) checkFiles() error {
	adhoc := s.cert == "adhoc"
	switch {
	case adhoc && s.key != "", !adhoc && (s.cert == "") != (s.key == ""):
		return errors.New("--cert and --key name two files that belong together; --cert adhoc makes both")
	case s.reload && s.pidFile != "":
		return errors.New("--reload is for development, where another process serves after each change: leave --pid out")
	case s.health != "" && s.health[0] != '/' || s.readyPath != "" && s.readyPath[0] != '/':
		return errors.New("--health and --ready are paths that begin with a slash")
	}
	if _, err := strconv.ParseUint("0"+s.socketMode, 8, 9); err != nil {
		return errors.New("--socket-mode is a mode in octal digits, as in 660")
	}
	return nil
}

func (s *pythonSettings) checkEnv() error {
	for _, variable := range s.env {
		if name, _, ok := strings.Cut(variable, "="); !ok || name == "" {
			return fmt.Errorf("--env %s: write NAME=value", variable)
		}
	}
	return nil
}

func (s *pythonSettings) fileMode() fs.FileMode {
	mode, _ := strconv.ParseUint("0"+s.socketMode, 8, 9)
	return fs.FileMode(mode)
}

// config returns the settings for package wsgi.
func (s *pythonSettings) config() wsgi.Config {
	return wsgi.Config{
		App: s.app, Dir: s.dir, Python: s.python, Env: s.env,
		Workers: s.workers, Threads: s.threads, Preload: s.preload,
		MaxRequests: s.maxRequests, MaxRequestsJitter: s.maxJitter,
		MaxLifetime: time.Duration(s.maxLifetime), MaxMemory: int64(s.maxMemory),
		StartTimeout: s.startTimeout.orNever(), RequestTimeout: s.timeout.orNever(),
		QueueTimeout: s.queueTimeout.orNever(), MaxQueue: s.maxQueue, DrainTimeout: s.drainTimeout.orNever(),
		SpoolChunked: int64(s.spool), RetryIdempotent: s.retry,
		Debug: s.debug, Validate: s.validate, Logger: serving.DefaultLogger(),
	}
}

// serverOptions are the settings for package serving, without those that front adds.
func (s *pythonSettings) serverOptions() serving.Options {
	o := serving.Options{
		Listen: s.bind[1:], SocketMode: s.fileMode(), H2C: s.h2c,
		PIDFile: s.pidFile, Health: s.health, Ready: s.readyPath,
		HeaderTimeout: s.headerTimeout.orNever(), StallTimeout: s.stallTimeout.orNever(),
		IdleTimeout: s.keepAlive.orNever(), MaxHeader: int(s.maxHeader), MaxConnections: s.maxConnections,
		DrainDelay: time.Duration(s.drainDelay), DrainTimeout: s.drainTimeout.orNever(),
		// This command supervises itself with --reload, without the debugger for Go.
		Reload: serving.Supervised(),
	}
	if o.MaxHeader == 0 {
		o.MaxHeader = -1
	}
	switch s.cert {
	case "":
	case "adhoc":
		o.TLS = certs.SelfSigned()
	default:
		o.TLS = certs.Files(s.cert, s.key)
	}
	if s.reload {
		o.Watch, o.Assets, o.Exclude = pythonFiles(s.dir)
		o.Watch, o.Exclude = append(o.Watch, s.watch...), append(o.Exclude, s.exclude...)
	}
	return o
}
