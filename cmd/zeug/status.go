package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func newStatus() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [pidfile|pid|socket]",
		Short: "Show what a zeug serve and its workers do",
		Long: `Status asks a server that "zeug serve" runs: its workers with their processes, age, requests, busy
threads and memory, the requests that wait, and what has happened since it started. The server is named
by its PID file (--pid), the number of its process, or its control socket (--control). Without a name
all of this user's are shown.

A server answers at a unix socket that its user alone may use: beside the PID file, or in
$XDG_RUNTIME_DIR/zeug, or in a folder zeug-UID among the temporary files.`,
		Example: `  zeug status
  zeug status /run/app/zeug.pid
  zeug status --json | jq '.[].workers[].memory'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{errors.New("name one server: its PID file, the number of its process, or its socket")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			servers, err := statuses(args)
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(servers)
			}
			for i, s := range servers {
				if i > 0 {
					fmt.Fprintln(cmd.OutOrStdout())
				}
				if err := printStatus(cmd.OutOrStdout(), s, time.Now()); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON: a list of servers, memory in bytes")
	return cmd
}

// statuses asks the server that is named, or all.
func statuses(args []string) ([]serverStatus, error) {
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	paths, err := controlsOf(name)
	if err != nil {
		return nil, err
	}
	var servers []serverStatus
	for _, path := range paths {
		s, err := askStatus(path)
		switch {
		case err == nil:
			servers = append(servers, s)
		case name != "":
			return nil, err
		case errors.Is(err, errNoServer):
			os.Remove(path) // of one that was killed
		}
	}
	switch {
	case len(servers) > 0:
		return servers, nil
	case name != "":
		return nil, fmt.Errorf("%s is not a running zeug serve of this user, or it was started with --control off", name)
	}
	return nil, errors.New("this user runs no zeug serve that can be found: name the PID file of one")
}

// printStatus writes a table for people.
func printStatus(w io.Writer, s serverStatus, now time.Time) error {
	fmt.Fprintf(w, "%s in %s, at %s\n", s.App, s.Dir, strings.Join(s.URLs, ", "))
	fmt.Fprintf(w, "process %d, %s, up %s, reloaded %s\n", s.PID, readable(s.Memory), age(now.Sub(s.Since)), times(s.Reloads))
	fmt.Fprintf(w, "%d requests, %d waiting; workers: %d started, %d crashed, %d timed out, %d recycled\n\n",
		s.Requests, s.Waiting, s.Started, s.Crashed, s.TimedOut, s.Recycled)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "WORKER\tPID\tAGE\tREQUESTS\tBUSY\tMEMORY\t")
	for _, worker := range s.Workers {
		note := ""
		if worker.Leaving {
			note = "  leaving"
		}
		fmt.Fprintf(table, "%d\t%d\t%s\t%d\t%d of %d\t%s\t%s\n", worker.Number, worker.PID, age(now.Sub(worker.Since)),
			worker.Requests, worker.Busy, s.Threads, readable(worker.Memory), note)
	}
	return table.Flush()
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
