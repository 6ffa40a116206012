package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/gateway/wsgi"
	"github.com/zeugkit/zeug/internal/reload"
	"github.com/zeugkit/zeug/internal/starterror"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/serving"
	_ "github.com/zeugkit/zeug/serving/dev"
)

func newServe() *cobra.Command {
	s := &pythonServer{}
	cmd := &cobra.Command{
		Use:   "serve module:application",
		Short: "Serve a Python WSGI application: Flask, Django and others",
		Long: `Serve runs an unmodified Python application that speaks WSGI, as gunicorn does: worker processes with
threads, behind the web server of package serving.

Name the application as module:name, as module:factory('production', debug=False), which calls a
factory, or as the module alone, whose application or app is served. The module is looked for in the
folder --dir. The Python is that of the virtual environment in VIRTUAL_ENV, of .venv in the folder or
above it, or else python3.

SIGHUP replaces the workers: new ones import the application again, and take over when all of them are
ready. If they do not start, the old ones stay. SIGUSR2 starts the command's own executable again and
hands it the sockets. SIGTERM and SIGINT end the server after the requests that run. No request is lost
in any of these. SIGTTIN starts one more worker, SIGTTOU ends one. SIGUSR1 opens the file of --access-log
again.

Times are in seconds unless they have a unit, and 0 means no limit.`,
		Example: `  zeug serve app                                       application or app in it
  zeug serve --reload --debug app                      while you work on it
  zeug serve 'shop:create_app("production")' -b :8000 -w 4 --threads 8
  zeug serve mysite.wsgi --dir /srv/mysite --pid /run/mysite/zeug.pid
  zeug serve app -b unix:///run/mysite/http.sock       behind a web server
  zeug serve app --static /static=static --max-memory 300M
  zeug serve app --cert adhoc -b :8443                 HTTPS and HTTP/2
  zeug serve app --proxies 1                           behind one proxy
  zeug status                                          what its workers do
  zeug reload /run/mysite/zeug.pid                     replace them`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{errors.New("name one application, as in zeug serve module:name")}
			}
			return nil
		},
		ValidArgsFunction: completeModules,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.app = args[0]
			if err := s.check(cmd); err != nil {
				return &usageError{err}
			}
			switch {
			case s.checkOnly:
				return s.runCheck(cmd)
			case s.reload && !serving.Supervised():
				return s.supervise()
			}
			return s.run()
		},
	}
	s.add(cmd)
	return cmd
}

// pythonServer is a server for a Python application: what its command line says,
// and what runs.
type pythonServer struct {
	pythonSettings
	application *wsgi.Application
	control     *control
	begun       time.Time
	urls        []string // where it serves
}

// run serves until a signal.
func (s *pythonServer) run() error {
	o := s.serverOptions()
	front, closeLog, err := s.front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.application.ServeHTTP(w, r)
	}), &o)
	if err != nil {
		return &starterror.Error{Err: err}
	}
	defer closeLog()
	o.Start, o.HangUp = s.start, s.replaceWorkers
	if o.Ready != "" {
		o.Check = s.ready
	}
	err = serving.Run(s.bind[0], front, o)
	if s.control != nil {
		s.control.close()
	}
	if s.application != nil {
		s.end(err)
	}
	return explained(err, s)
}

// start is called when the addresses are open.
func (s *pythonServer) start(urls []string) (err error) {
	s.begun, s.urls = time.Now(), urls
	if err := checkControl(s); err != nil {
		return err
	}
	if s.application, err = wsgi.Start(s.config()); err != nil {
		// An error in the settings would return at each start, unlike other errors of Start.
		return &exitError{err, serving.ExitCode(&starterror.Error{Err: err})}
	}
	leaveProcessors()
	s.resizeOnSignals()
	if s.control, err = openControl(s); err != nil {
		serving.DefaultLogger().Warn("zeug status and zeug reload will not find this server", "err", err)
	}
	return nil
}

// leaveProcessors keeps this program to half of the processors. It needs a fraction of Python's
// time for a request, and threads that look for more work take time from the workers. With fewer
// threads a page of Flask takes a tenth less time on two processors.
func leaveProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

// ready answers the readiness checks of load balancers.
func (s *pythonServer) ready(context.Context) error {
	for _, w := range s.application.Stats().Workers {
		if !w.Leaving {
			return nil
		}
	}
	return errors.New("no worker runs")
}

// replaceWorkers does what SIGHUP and "zeug reload" ask for.
func (s *pythonServer) replaceWorkers() error {
	began := time.Now()
	if err := s.application.Reload(); err != nil {
		return fmt.Errorf("the workers are not replaced: %w", inFlags(err))
	}
	serving.DefaultLogger().Info("the workers are replaced", "workers", s.application.Size(), "took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// end ends the workers, which have no requests left unless requests were cut. A signal shortens the
// wait.
func (s *pythonServer) end(err error) {
	limit := s.drainTimeout.orNever()
	if serving.Supervised() {
		limit = time.Second // the supervisor waits
	}
	if errors.Is(err, serving.ErrCut) {
		s.application.Close()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s.application.Shutdown(ctx)
}

// runCheck imports the application, and ends the program.
func (s *pythonServer) runCheck(cmd *cobra.Command) error {
	s.workers = 1
	app, err := wsgi.Start(s.config())
	if err != nil {
		return explained(&starterror.Error{Err: err}, s)
	}
	app.Close()
	fmt.Fprintln(cmd.OutOrStdout(), s.app+" can be served")
	return nil
}

// supervise runs this command once more, and again after each change, with the supervisor of "zeug
// run", which has nothing to build here.
func (s *pythonServer) supervise() error {
	executable, err := os.Executable()
	if err != nil {
		return &starterror.Error{Err: err}
	}
	supervisor, err := reload.New(reload.Config{
		Program: reload.Program{Executable: executable, Args: os.Args[1:]},
		Listen:  s.bind, SocketMode: s.fileMode(), Poll: time.Duration(s.poll), NoInject: s.noLiveReload,
		Logger: serving.DefaultLogger(), Terminal: supervise.OnTerminal(),
	})
	if err != nil {
		return &starterror.Error{Err: err}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := supervisor.Run(ctx); err != nil {
		return &starterror.Error{Err: err}
	}
	return nil
}
