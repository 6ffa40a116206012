// Command zeug helps to work on a web application: it runs one and reloads it,
// lists its rules, begins a new one; and it serves Python applications.
//
//	go install ./cmd/zeug   # in a copy of the repository
//	zeug run ./cmd/app
//	zeug serve flask_app:app
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	if vettool(os.Args[1:]) {
		return
	}
	if err := newCommand().Execute(); err != nil {
		if !errors.Is(err, errFindings) { // those are printed
			fmt.Fprintln(os.Stderr, "zeug: "+err.Error())
		}
		os.Exit(exitCode(err))
	}
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "zeug",
		Short: "Run, list and begin web applications, and serve Python's",
		Long: `Zeug is a toolkit for web applications in Go. This command runs an application while you work on it,
lists its rules, and begins a new one. It also serves applications in Python.`,
		Example: `  zeug new guestbook && cd guestbook
  zeug run                       run the program here, restart it after changes
  zeug run ./cmd/app -- -db dev  with arguments of its own
  zeug routes ./cmd/app          its rules: paths, endpoints, methods
  zeug vet                       misspelt links, variables and templates
  zeug inspect shop.core         a panic of production, with its variables
  zeug serve flask_app:app       a Python application, as gunicorn serves it`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				meant := ""
				if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
					meant = fmt.Sprintf("did you mean %q? ", near[0])
				}
				return &usageError{fmt.Errorf("there is no command %q: %s%s --help lists them", args[0], meant, cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("zeug {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w: %s --help shows the flags", err, cmd.CommandPath())}
	})
	root.AddCommand(newRun(), newRoutes(), newNew(), newVet(), newServe(), newStatus(), newReload(), newInspect(), newReadCore(), newCheckSource(), newVersion())
	root.SuggestionsMinimumDistance = 2
	wrapHelp(root)
	return root
}

// atMostOne takes one argument or none before "--".
func atMostOne(cmd *cobra.Command, args []string) error {
	before := len(args)
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		before = dash
	}
	if before > 1 {
		return &usageError{fmt.Errorf("one package at a time, not %q: the program's own arguments follow --", args[:before])}
	}
	return nil
}
