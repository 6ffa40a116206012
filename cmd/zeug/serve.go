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
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/reload"
)

func newServe() *cobra.Command {
	s := &pythonServer{}
	cmd := &cobra.Command{
		Use:   "serve module:application",
		Short: "Serve a Python WSGI application: Flask, Django and others",
		Long: `Serve runs an unmodified Python application that speaks WSGI, as gunicorn does: worker processes with
threads, in front of them the web server of package serving. The application is named by its module and
a name in it; by module:factory('production', debug=False), which calls a factory; or by the module
alone, whose application or app is taken. Its module is looked for in the folder --dir, and Python in
the virtual environment of VIRTUAL_ENV, or .venv in that folder or above, or else as python3.

SIGHUP replaces the workers: new ones import the application anew, and take over when all are ready; if
they cannot, the old ones stay. SIGUSR2 starts the command's own executable anew and hands it the
sockets. SIGTERM and SIGINT finish what runs. No request is lost in any of these. SIGUSR1 opens the
file of --access-log anew.

Times are in seconds unless they have a unit, and 0 is no limit.`,
		Example: `  zeug serve app                                  application or app of app.py, at http://127.0.0.1:5000
  zeug serve --reload --debug app                 while you work on it
  zeug serve 'shop:create_app("production")' -b :8000 -w 4 --threads 8
  zeug serve mysite.wsgi --dir /srv/mysite -b unix:///run/mysite/http.sock --pid /run/mysite/zeug.pid
  zeug serve app --static /static=static --max-requests 10000 --max-memory 300M
  zeug serve app --cert adhoc -b :8443            HTTPS and HTTP/2
  zeug serve app --proxies 1                      behind one proxy
  zeug status                                     what its workers do
  zeug reload /run/mysite/zeug.pid                replace them, and say how that went`,
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
	front, closeLog, err := s.front(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.application.ServeHTTP(w, r)
	}))
	if err != nil {
		return &serving.StartError{Err: err}
	}
	defer closeLog()
	o := s.serverOptions()
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
	if s.application, err = wsgi.Start(s.config()); err != nil {
		return err
	}
	leaveProcessors()
	if s.control, err = openControl(s); err != nil {
		serving.DefaultLogger().Warn("zeug status and zeug reload will not find this server", "err", err)
	}
	return nil
}

// leaveProcessors keeps this program to half of the processors. What it does for a
// request is a fraction of what Python does, and threads that are awake to look for
// more of it take time from the workers: on two processors a page of Flask takes a
// tenth less of it.
func leaveProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

// ready is asked by load balancers.
func (s *pythonServer) ready(context.Context) error {
	for _, w := range s.application.Stats().Workers {
		if !w.Leaving {
			return nil
		}
	}
	return errors.New("no worker runs")
}

// replaceWorkers is what SIGHUP and "zeug reload" do.
func (s *pythonServer) replaceWorkers() error {
	began := time.Now()
	if err := s.application.Reload(); err != nil {
		return fmt.Errorf("the workers are not replaced: %w", err)
	}
	serving.DefaultLogger().Info("the workers are replaced", "workers", s.workers, "took", time.Since(began).Round(time.Millisecond).String())
	return nil
}

// end has the workers leave, which run nothing any more unless requests were cut.
// A signal makes that short.
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

// runCheck imports the application, and ends.
func (s *pythonServer) runCheck(cmd *cobra.Command) error {
	s.workers = 1
	app, err := wsgi.Start(s.config())
	if err != nil {
		return explained(&serving.StartError{Err: err}, s)
	}
	app.Close()
	fmt.Fprintln(cmd.OutOrStdout(), s.app+" can be served")
	return nil
}

// supervise runs this command once more, and anew after each change: the
// supervisor of "zeug run", which has nothing to build here.
func (s *pythonServer) supervise() error {
	executable, err := os.Executable()
	if err != nil {
		return &serving.StartError{Err: err}
	}
	supervisor, err := reload.New(reload.Config{
		Program: reload.Program{Executable: executable, Args: os.Args[1:]},
		Listen:  s.bind, SocketMode: s.fileMode(), Poll: time.Duration(s.poll), NoInject: s.noLiveReload,
		Logger: serving.DefaultLogger(), Terminal: serving.OnTerminal(),
	})
	if err != nil {
		return &serving.StartError{Err: err}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := supervisor.Run(ctx); err != nil {
		return &serving.StartError{Err: err}
	}
	return nil
}
