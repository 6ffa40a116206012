package serving

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/zeugkit/zeug/gateway/cgi"
	"github.com/zeugkit/zeug/internal/routelist"
	"github.com/zeugkit/zeug/serving/supervise"
)

// Run serves app at addr until SIGINT or SIGTERM arrives; then it drains, as
// [Server.Shutdown] says, and returns nil, or [ErrCut] where requests had to be
// cut. A second signal cuts at once. addr has one of the forms of package
// listen, which may name another protocol than HTTP: "fastcgi:///run/app.sock";
// empty it is 127.0.0.1:5000.
//
// What started the program may have other wishes. Sockets that systemd passes
// take the place of the addresses, each of the one in its place, whose protocol
// it speaks; one that a web server put in the place of standard input speaks
// FastCGI and takes the place of all. A program that a web server has started
// by CGI answers that one request, within 5 minutes, and Run returns.
//
// With Options.Reload this process builds the program from its source and
// supervises another one that runs it: what follows Run in a program, and what
// comes before, happens in both.
//
// SIGHUP starts the program's executable anew, hands it the sockets, and drains
// once the new process serves: no connection is refused meanwhile. With
// Options.HangUp that is SIGUSR2.
//
// What goes wrong at the start is returned as an error of one line that names
// the way out. At most one Options is read. It is Werkzeug's run_simple.
func Run(addr string, app http.Handler, opts ...Options) error {
	o, err := single(opts)
	if err != nil {
		return &StartError{err}
	}
	if routelist.Wanted() {
		if err := routelist.Write(); err != nil {
			return err
		}
		os.Exit(0) // what follows Run expects to have served
	}
	if cgi.Started() {
		return runCGI(app, o)
	}
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
	if err := s.open(addrs); err != nil {
		return &StartError{err}
	}
	if err := o.start(s.urls()); err != nil {
		s.Close()
		return &StartError{err}
	}
	return s.run()
}

// Main is [Run] for the last line of a main function: it exits, with
// [ExitCode], after it has printed the error, if there is one.
func Main(addr string, app http.Handler, opts ...Options) {
	err := Run(addr, app, opts...)
	if err != nil {
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

// ExitCode returns what a process should exit with after [Run] returned err, as
// sysexits.h has them, so that a supervisor knows whether to try again: 0
// without an error, 69 when an address is taken, 75 when requests were cut, 77
// without permission, 78 when options or certificates are wrong, and else 1.
func ExitCode(err error) int {
	var start *StartError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrCut):
		return 75
	case !errors.As(err, &start):
		return 1
	case errors.Is(err, syscall.EADDRINUSE):
		return 69
	case errors.Is(err, fs.ErrPermission):
		return 77
	}
	return 78
}

// start calls Start.
func (o *Options) start(urls []string) error {
	if o.Start == nil {
		return nil
	}
	return o.Start(urls)
}

func single(opts []Options) (Options, error) {
	switch len(opts) {
	case 0:
		return Options{}, nil
	case 1:
		return opts[0], nil
	}
	return Options{}, errors.New("serving: give one Options, not several")
}

// run serves until a signal.
func (s *Server) run() error {
	o := &s.options
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, append(lifeSignals(o), os.Interrupt, syscall.SIGTERM)...)
	defer signal.Stop(signals)

	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	if err := writePID(o.PIDFile); err != nil {
		s.Close()
		return &StartError{err}
	}
	defer removePID(o.PIDFile)
	s.announce()
	notify("READY=1") // before the older process tells that this one is the main one
	reportReady()
	hangUps := make(chan struct{}, 1)
	defer close(hangUps)
	go func() {
		for range hangUps {
			s.hangUp()
		}
	}()

	for {
		select {
		case err := <-served:
			return err
		case got := <-signals:
			switch asked(got, o) {
			case toHangUp:
				select {
				case hangUps <- struct{}{}:
				default: // one that is still to come does for both
				}
				continue
			case toHandOver:
				notify(reloading())
				pid, err := s.handover()
				if err != nil {
					notify("READY=1")
					o.Logger.Error("the new process did not take over; this one goes on", "err", err)
					continue
				}
				o.Logger.Info("the new process has taken over", "pid", pid)
				notify("MAINPID=" + strconv.Itoa(pid) + "\nREADY=1")
			case toEnd:
				o.Logger.Info("stopping", "signal", got.String())
				notify("STOPPING=1")
			}
			return s.end(signals)
		}
	}
}

// hangUp has the application load anew what it has.
func (s *Server) hangUp() {
	notify(reloading())
	if err := s.options.HangUp(); err != nil {
		s.options.Logger.Error("what SIGHUP asked for failed; the server goes on as before", "err", err)
	}
	notify("READY=1")
}

// end drains, until the deadline or another signal.
func (s *Server) end(signals <-chan os.Signal) error {
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
				if asked(got, &s.options) == toEnd {
					cancel()
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return s.Shutdown(ctx)
}

func writePID(name string) error {
	if name == "" {
		return nil
	}
	// Another process that reads it sees the old number or the new one.
	next := name + ".new"
	err := os.WriteFile(next, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
	if err == nil {
		err = os.Rename(next, name)
	}
	if err != nil {
		return fmt.Errorf("serving: write the PID file: choose a folder this user may write to: %w", err)
	}
	return nil
}

// removePID leaves the file of a process that took over.
func removePID(name string) {
	if name == "" {
		return
	}
	if b, err := os.ReadFile(name); err == nil && string(b) == strconv.Itoa(os.Getpid())+"\n" {
		os.Remove(name)
	}
}

// handoverTime is how long a new process may take to serve.
const handoverTime = time.Minute
