package serving

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

// Run serves app at addr, "host:port", until SIGINT or SIGTERM arrives; then it
// stops accepting, lets what runs finish, and returns nil. A second signal ends
// it at once. Port 0 takes a free port, an empty addr is 127.0.0.1:5000.
//
// What goes wrong at the start is returned as an error of one line that names
// the way out. At most one Options is read. It is Werkzeug's run_simple.
func Run(addr string, app http.Handler, opts ...Options) error {
	o, err := single(opts)
	if err != nil {
		return err
	}
	o.setDefaults()
	listener, err := listen(addr)
	if err != nil {
		return err
	}
	app = recovered(app, &o)
	if !o.NoAccessLog {
		app = logged(app, o.Logger)
	}
	server := &http.Server{
		Handler:           app,
		ReadHeaderTimeout: max(o.HeaderTimeout, 0),
		IdleTimeout:       max(o.IdleTimeout, 0),
		MaxHeaderBytes:    max(o.MaxHeader, 0),
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelWarn),
	}
	announce(o, listener.Addr())

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case s := <-signals:
		o.Logger.Info("stopping", "signal", s.String())
	}
	return drain(server, o, signals)
}

// Main is [Run] for the last line of a main function: it exits with 0 after a
// clean stop, and with 1 after it has printed the error.
func Main(addr string, app http.Handler, opts ...Options) {
	if err := Run(addr, app, opts...); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
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

// drain waits for what runs, until the deadline or another signal.
func drain(server *http.Server, o Options, signals <-chan os.Signal) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if o.DrainTimeout > 0 {
		ctx, cancel = context.WithTimeout(ctx, o.DrainTimeout)
		defer cancel()
	}
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
		return errors.New("serving: stopped before every request was answered; give them longer by Options.DrainTimeout")
	}
	return nil
}

func listen(addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:5000"
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, explain(addr, err)
	}
	return l, nil
}
