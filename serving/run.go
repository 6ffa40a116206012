package serving

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/internal/pidfile"
	"github.com/zeugkit/zeug/internal/reaper"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/internal/supervise"
)

// Run serves app at addr until SIGINT or SIGTERM arrives; then it drains, as
// [Server.Shutdown] says, and returns nil, or [ErrCut] where requests had to be
// cut. A second signal cuts at once. addr has one of the forms of package
// listen, which may name another protocol than HTTP: "fastcgi:///run/app.sock";
// empty it is 127.0.0.1:5000.
//
// The program that started this one may replace the addresses. Sockets that systemd passes take
// the place of the addresses, in their order, and speak the protocol of the address. A socket that
// a web server put in the place of standard input speaks FastCGI and replaces all of them. A
// program that a web server has started by CGI answers that one request, within 5 minutes, and Run
// returns.
//
// With Options.Reload, and an import of serving/dev, this process builds the program from its
// source and supervises another one that runs it: the code before and after Run in a program runs
// in both.
//
// SIGHUP starts the program's executable again, hands it the sockets, and drains once the new
// process serves: no connection is refused meanwhile. With Options.HangUp that is SIGUSR2.
//
// SIGTTIN and SIGTTOU, which would freeze the process, are ignored; a program that
// has a use for them calls signal.Notify in Options.Start. As process 1 of a
// container Run also collects orphans that end there (Linux).
//
// An error at the start is returned as one line that says what to do. It is Werkzeug's run_simple.
func Run(addr string, app http.Handler, o Options) error {
	if routelist.Wanted() {
		if err := routelist.Write(); err != nil {
			return err
		}
		return ErrListed
	}
	if cgi.Started() {
		return runCGI(app, o)
	}
	defer flushAccessLog()
	defer reaper.Start()()
	ignoreStops()
	addrs := append([]string{addr}, o.Listen...)
	supervisor, err := supervise.Connect()
	switch {
	case err != nil:
		return &StartError{err}
	case supervisor != nil:
		return runSupervised(supervisor, addrs, app, o)
	case o.Reload:
		return runSupervisor(addrs, o)
	}
	s, err := New(app, o)
	if err != nil {
		return &StartError{err}
	}
	if o.PIDFile != "" {
		if err := pidfile.Check(o.PIDFile); err != nil {
			return &StartError{explainPIDFile(err)}
		}
	}
	if err := s.open(addrs); err != nil {
		s.Close()
		return &StartError{err}
	}
	if err := o.start(s.urls()); err != nil {
		s.Close()
		return &StartError{err}
	}
	return s.run()
}

// ErrListed is what [Run] returns if "zeug routes" started the program to list its rules: Run has
// listed them and served nothing. [ExitCode] is 0 for it.
var ErrListed = errors.New("serving: zeug routes asked for the rules only, so nothing was served")

// Main is [Run] with the default options, for the last line of a main function. It prints the error,
// if there is one, and exits with [ExitCode].
func Main(addr string, app http.Handler) { MainWith(addr, app, Options{}) }

// MainWith is [Main] with options.
func MainWith(addr string, app http.Handler, o Options) {
	err := Run(addr, app, o)
	if err != nil && !errors.Is(err, ErrListed) {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(ExitCode(err))
}

// A StartError says why a server did not start.
type StartError struct{ Err error }

// Error returns the one line.
func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// ExitCode returns what a process should exit with after [Run] returned err, so
// that a supervisor knows whether to start it again. The codes are those of
// sysexits.h:
//
//	0   there is no error, or it is ErrListed
//	69  an address or the PID file is another server's
//	75  requests were cut, or the system has too little of something, or an
//	    address that is not there yet: it may pass
//	77  without permission
//	78  options or certificates are wrong
//	1   anything else: Options.Start returned an error, a listener failed
func ExitCode(err error) int {
	var start *StartError
	var held *pidfile.HeldError
	var hook *hookError
	switch {
	case err == nil, errors.Is(err, ErrListed):
		return 0
	case errors.Is(err, ErrCut):
		return 75
	case !errors.As(err, &start):
		return 1
	case errors.Is(err, syscall.EADDRINUSE), errors.As(err, &held):
		return 69
	case errors.Is(err, fs.ErrPermission):
		return 77
	case mayPass(err):
		return 75
	case errors.As(err, &hook):
		return 1
	}
	return 78
}

// mayPass reports whether starting again later may help, without a change to
// options: at boot an address or a name server is not there yet.
func mayPass(err error) bool {
	for _, short := range []error{
		syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS,
		syscall.EAGAIN, syscall.ENOSPC, os.ErrDeadlineExceeded, context.DeadlineExceeded,
	} {
		if errors.Is(err, short) {
			return true
		}
	}
	var dns *net.DNSError
	return errors.As(err, &dns) && (dns.IsTemporary || dns.IsTimeout)
}

// hookError is the error of Options.Start.
type hookError struct{ error }

func (e *hookError) Unwrap() error { return e.error }

// start calls Start.
func (o *Options) start(urls []string) error {
	if o.Start == nil {
		return nil
	}
	if err := o.Start(urls); err != nil {
		return &hookError{err}
	}
	return nil
}

// life is the life of a process that serves, until it ends.
type life struct {
	*Server
	signals chan os.Signal
	pid     *pidfile.File // nil without Options.PIDFile
	hangUps chan struct{}

	cancel    context.CancelFunc // ends the hand-over that runs; nil without one
	succeeded chan succession
	again     bool // another hand-over was requested meanwhile
}

// succession is the end of a hand-over: the process that took over, or why none
// did.
type succession struct {
	pid int
	err error
}

// run serves until a signal.
func (s *Server) run() error {
	o := &s.options
	if err := checkTemp(); err != nil {
		o.Logger.Warn("bodies that do not fit into memory cannot be kept: set TMPDIR to a folder that this user may write to", "err", err)
	}
	l := &life{
		Server: s, signals: make(chan os.Signal, 4),
		hangUps: make(chan struct{}, 1), succeeded: make(chan succession, 1),
	}
	signal.Notify(l.signals, append(lifeSignals(o), os.Interrupt, syscall.SIGTERM)...)
	// A second signal, while the process ends, must not kill it: its exit code says how it ended.
	defer time.AfterFunc(time.Second, func() { signal.Stop(l.signals) })

	// A companion that cannot start is to fail before an older process is told that
	// this one serves.
	if err := s.startCompanions(); err != nil {
		s.Close()
		return &StartError{err}
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	if o.PIDFile != "" {
		var err error
		if l.pid, err = pidfile.Take(o.PIDFile); err != nil {
			s.Close()
			return &StartError{explainPIDFile(err)}
		}
		defer l.pid.Remove()
	}
	s.announce()
	notify("READY=1") // before the older process tells that this one is the main one
	s.own()
	s.reportReady()
	defer close(l.hangUps)
	go func() {
		for range l.hangUps {
			s.hangUp()
		}
	}()

	for {
		select {
		case err := <-served:
			return err
		case got := <-l.succeeded:
			if l.succeed(got) {
				return s.end(l.signals, false)
			}
		case got := <-l.signals:
			if l.heed(got) {
				return s.end(l.signals, true)
			}
		}
	}
}

// checkTemp looks whether there is a folder for temporary files: without this, the
// first large body would tell.
func checkTemp() error {
	f, err := os.CreateTemp("", "zeug-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// heed does what a signal asks for, and reports whether that is the end.
func (l *life) heed(got os.Signal) (end bool) {
	o := &l.options
	switch asked(got, o) {
	case toHangUp:
		select {
		case l.hangUps <- struct{}{}:
		default: // the one that is pending serves both
		}
		return false
	case toHandOver:
		if l.cancel != nil {
			l.again = true
			return false
		}
		l.beginHandover()
		return false
	}
	o.Logger.Info("stopping", "signal", got.String())
	notify("STOPPING=1")
	if l.cancel != nil {
		l.cancel()
		// The new process may have become ready just before.
		if got := <-l.succeeded; got.err == nil {
			terminate(got.pid)
		}
	}
	return true
}

func (l *life) beginHandover() {
	notify(reloading())
	var ctx context.Context
	ctx, l.cancel = context.WithCancel(context.Background())
	go func() {
		pid, err := l.handover(ctx)
		l.succeeded <- succession{pid, err}
	}()
}

// succeed reports whether another process has taken over. If not, this one goes
// on.
func (l *life) succeed(got succession) (end bool) {
	o := &l.options
	l.cancel()
	l.cancel = nil
	if got.err == nil {
		o.Logger.Info("the new process has taken over", "pid", got.pid)
		notify("MAINPID=" + strconv.Itoa(got.pid) + "\nREADY=1")
		return true
	}
	notify("READY=1")
	o.Logger.Error("the new process did not take over; this one goes on", "err", got.err)
	if l.pid != nil {
		if err := l.pid.Keep(); err != nil {
			o.Logger.Error("the PID file still names the process that did not take over", "err", err)
		}
	}
	if l.again {
		l.again = false
		l.beginHandover()
	}
	return false
}

// hangUp lets the application load its files again.
func (s *Server) hangUp() {
	notify(reloading())
	if err := s.options.HangUp(); err != nil {
		s.options.Logger.Error("what SIGHUP asked for failed; the server goes on as before", "err", err)
	}
	notify("READY=1")
}

// end drains until the deadline, or until a second signal asks for the end.
// already says that a first one did; after a hand-over none has.
func (s *Server) end(signals <-chan os.Signal, already bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if s.options.DrainTimeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, s.options.DrainDelay+s.options.DrainTimeout)
		defer cancel()
	}
	go func() {
		for {
			select {
			case got := <-signals:
				if asked(got, &s.options) != toEnd {
					continue
				}
				if already {
					cancel()
					return
				}
				already = true
				s.options.Logger.Info("this process already ends, since a new one has taken over; another signal cuts its requests", "signal", got.String())
			case <-ctx.Done():
				return
			}
		}
	}()
	return s.Shutdown(ctx)
}

// explainPIDFile says what to do about a PID file that cannot be made or locked.
func explainPIDFile(err error) error {
	var held *pidfile.HeldError
	if errors.As(err, &held) {
		return fmt.Errorf("serving: %w: stop it, or choose another Options.PIDFile", err)
	}
	return fmt.Errorf("serving: Options.PIDFile cannot be written: choose a folder that this user may write to: %w", err)
}

// handoverTime is how long a new process may take to serve.
const handoverTime = time.Minute
