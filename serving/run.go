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

	"github.com/zeugkit/zeug/internal/pidfile"
	"github.com/zeugkit/zeug/internal/reaper"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/internal/starterror"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/internal/webserver"
)

// Run serves app at addr until SIGINT or SIGTERM arrives. Then it drains like
// [Server.Shutdown] and returns nil, or [ErrCut] if requests had to be cut. A
// second signal cuts them at once. addr has one of the forms of package listen,
// which may name another protocol than HTTP: "fastcgi:///run/app.sock". If it
// is empty, it is 127.0.0.1:5000.
//
// The program that started this one may replace the addresses. Sockets from systemd replace the
// addresses, in their order. Each speaks the protocol of the address that it replaces. A socket
// that a web server passes as standard input speaks FastCGI and replaces all of them. If a web
// server has started the program over CGI, it answers that one request, within 5 minutes, and Run
// returns.
//
// With Options.Reload, and an import of serving/dev, this process builds the program from its
// source and supervises another one that runs it. The program's code before and after Run runs in
// both processes.
//
// SIGHUP starts the program's executable again, hands over the sockets, and drains once the new
// process serves. No connection is refused meanwhile. With Options.HangUp that is SIGUSR2.
//
// SIGTTIN and SIGTTOU, which would freeze the process, are ignored. If a
// program needs them, it can call signal.Notify in Options.Start. As process 1
// of a container, Run also collects orphaned processes that end there (Linux).
//
// If "zeug routes" has started the program, Run lists the rules of app, serves nothing and returns nil.
//
// If the start fails, the error is one line that says what to do. It corresponds to Werkzeug's
// run_simple.
func Run(addr string, app http.Handler, o Options) error {
	if routelist.Wanted() {
		return routelist.Write()
	}
	if webserver.ForOneRequest() {
		return runCGI(app, o)
	}
	defer flushAccessLog()
	defer reaper.Start()()
	ignoreStops()
	addrs := append([]string{addr}, o.Listen...)
	supervisor, err := supervise.Connect()
	switch {
	case err != nil:
		return &starterror.Error{Err: err}
	case supervisor != nil:
		return runSupervised(supervisor, addrs, app, o)
	case o.Reload:
		return runSupervisor(addrs, o)
	}
	s, err := New(app, o)
	if err != nil {
		return &starterror.Error{Err: err}
	}
	if o.PIDFile != "" {
		if err := pidfile.Check(o.PIDFile); err != nil {
			return &starterror.Error{Err: explainPIDFile(err)}
		}
	}
	if err := s.open(addrs); err != nil {
		s.Close()
		return &starterror.Error{Err: err}
	}
	if err := o.start(s.urls()); err != nil {
		s.Close()
		return &starterror.Error{Err: err}
	}
	return s.run()
}

// Main calls [Run] with the default options. Use it as the last line of a main function. It prints the error,
// if there is one, and exits with [ExitCode].
func Main(addr string, app http.Handler) { MainWith(addr, app, Options{}) }

// MainWith is like [Main], but with options.
func MainWith(addr string, app http.Handler, o Options) {
	err := Run(addr, app, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(ExitCode(err))
}

// ExitCode returns the code with which a process should exit after [Run]
// returned err. The code tells a supervisor whether to start it again. The
// codes are those of sysexits.h:
//
//	0   err is nil
//	69  an address or the PID file is another server's
//	75  requests were cut, or the system has too little of something, or an
//	    address that is not there yet: it may pass
//	77  without permission
//	78  options or certificates are wrong
//	1   anything else: Options.Start returned an error, a listener failed
func ExitCode(err error) int {
	var start *starterror.Error
	var held *pidfile.HeldError
	var hook *hookError
	switch {
	case err == nil:
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

// mayPass reports whether the same start may succeed later, without a change to
// options: during boot an address or a name server may not exist yet.
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

	cancel    context.CancelFunc // ends the current hand-over; nil if there is none
	succeeded chan succession
	again     bool // another hand-over was requested meanwhile
}

// succession is the result of a hand-over: the process that took over, or the
// reason why none did.
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
	// A second signal while the process ends must not kill it: its exit code says how it ended.
	defer time.AfterFunc(time.Second, func() { signal.Stop(l.signals) })

	// If HTTP/3 cannot start, that must be known before an older process is told that this one
	// serves.
	if err := s.startHTTP3(); err != nil {
		s.Close()
		return &starterror.Error{Err: err}
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	if o.PIDFile != "" {
		var err error
		if l.pid, err = pidfile.Take(o.PIDFile); err != nil {
			s.Close()
			return &starterror.Error{Err: explainPIDFile(err)}
		}
		defer l.pid.Remove()
	}
	s.announce()
	notify("READY=1") // before the older process reports that this one is the main process
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

// checkTemp checks that there is a folder for temporary files. Otherwise only
// the first large body would show that it is missing.
func checkTemp() error {
	f, err := os.CreateTemp("", "zeug-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// heed performs the request of a signal, and reports whether the process must end.
func (l *life) heed(got os.Signal) (end bool) {
	o := &l.options
	switch asked(got, o) {
	case toHangUp:
		select {
		case l.hangUps <- struct{}{}:
		default: // the pending one serves for both
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

// succeed reports whether another process has taken over. Otherwise this one
// keeps serving.
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
// already says that a first signal did so, which is not the case after a
// hand-over.
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
