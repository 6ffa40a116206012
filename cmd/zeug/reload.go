package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newReload() *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "reload pidfile|pid",
		Short: "Have a server hand over to its new executable, or replace its Python workers",
		Long: `Reload tells a server that runs in production, by SIGHUP, to start its executable anew, hand it the
sockets, and end once the new process serves. No connection is refused meanwhile. Given the file that
serving.Options.PIDFile names, it waits until that has happened.

A "zeug serve" it has replace its workers, which import the application anew, and waits until that has
happened; if the new ones do not start, the old ones stay, and it says why and exits with 1.`,
		Example: `  go build -o /srv/app/app.new ./cmd/app && mv /srv/app/app.new /srv/app/app
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
			old, err := readPID(args[0])
			if err != nil {
				return err
			}
			if err := hangUp(old); err != nil {
				return err
			}
			done := slowly(cmd.ErrOrStderr(), "waiting for the new process")
			defer done()
			for until := time.Now().Add(limit); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
				now, err := readPID(args[0])
				if err == nil && now != old {
					fmt.Fprintf(cmd.OutOrStdout(), "process %d has taken over from %d\n", now, old)
					return nil
				}
			}
			return fmt.Errorf("process %d still serves: its log says why the new one did not start", old)
		},
	}
	cmd.Flags().DurationVar(&limit, "timeout", time.Minute, "how `long` the new process, or the new workers, may take")
	return cmd
}

// reloadWorkers asks a "zeug serve"; it does nothing where the name is of another
// server.
func reloadWorkers(cmd *cobra.Command, name string, limit time.Duration) (reloaded bool, err error) {
	paths, err := controlsOf(name)
	if err != nil || len(paths) == 0 {
		return false, nil // the caller has the better words
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

func readPID(name string) (int, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("there is no file %s: the server writes it if serving.Options.PIDFile names it", name)
	}
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 2 {
		return 0, fmt.Errorf("%s holds no number of a process", name)
	}
	return pid, nil
}
