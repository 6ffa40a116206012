package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/internal/pidfile"
)

func newReload() *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "reload pidfile|pid",
		Short: "Have a server hand over, or replace its Python workers",
		Long: `Reload replaces a server that runs in production, without a connection that is refused. It sends SIGHUP:
the server starts its executable again, hands it the sockets, and ends once the new process serves. If
you name the file of serving.Options.PIDFile, the command waits for that.

A "zeug serve" replaces its workers instead. The new ones import the application again. The command
waits for them. If they do not start, the old ones stay, and it says why and exits with 1.`,
		Example: `  go build -o /srv/app/app.new ./cmd/app
  mv /srv/app/app.new /srv/app/app
  zeug reload /run/app.pid
  git pull && zeug reload /run/flask_app/zeug.pid`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{errors.New("name the server: its PID file, or the number of its process")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if reloaded, err := reloadWorkers(cmd, args[0], limit); reloaded {
				return err
			}
			if pid, err := strconv.Atoi(args[0]); err == nil {
				return hangUp(pid)
			}
			return handOver(cmd, args[0], limit)
		},
	}
	cmd.Flags().DurationVar(&limit, "timeout", time.Minute, "how `long` the new process, or the new workers, may take")
	return cmd
}

// handOver makes the server that holds a PID file hand over, and waits until another
// process holds the file.
func handOver(cmd *cobra.Command, name string, limit time.Duration) error {
	old, err := serverOf(name)
	if err != nil {
		return err
	}
	if err := hangUp(old); err != nil {
		return err
	}
	done := slowly(cmd.ErrOrStderr(), "waiting for the new process")
	defer done()
	for until := time.Now().Add(limit); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		now, err := serverOf(name)
		var nobody *abandonedError
		switch {
		case err == nil && now != old:
			fmt.Fprintf(cmd.OutOrStdout(), "process %d has taken over from %d\n", now, old)
			return nil
		case errors.As(err, &nobody), errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("process %d has ended, and no process has taken over: its log says why", old)
		}
	}
	return fmt.Errorf("process %d still serves: its log says why the new one did not start", old)
}

// abandonedError is the error of a PID file that a server has left behind.
type abandonedError struct {
	name string
	pid  int
}

func (e *abandonedError) Error() string {
	return fmt.Sprintf("%s is left over: process %d, which it names, is not the server any more: start the server", e.name, e.pid)
}

// serverOf returns the process that a PID file names, if that process holds the
// file. Otherwise another program may have got the same process ID.
func serverOf(name string) (int, error) {
	pid, held, err := pidfile.Read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, fmt.Errorf("there is no file %s: the server writes it if serving.Options.PIDFile, or --pid of zeug serve, names it: %w", name, err)
	case err != nil:
		return 0, err
	case !held:
		return 0, &abandonedError{name, pid}
	}
	return pid, nil
}

// reloadWorkers asks a "zeug serve"; it does nothing if the name belongs to another server.
func reloadWorkers(cmd *cobra.Command, name string, limit time.Duration) (reloaded bool, err error) {
	paths, err := controlsOf(name)
	if err != nil || len(paths) == 0 {
		return false, nil // the caller has a better message
	}
	done := slowly(cmd.ErrOrStderr(), "waiting for the new workers")
	defer done()
	err = askReload(paths[0], limit)
	if errors.Is(err, errNoServer) {
		return false, nil
	}
	if err == nil {
		fmt.Fprintln(cmd.OutOrStdout(), "the workers are replaced")
	}
	return true, err
}
