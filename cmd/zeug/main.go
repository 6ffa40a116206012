// Command zeug helps to work on a web application: it runs one and reloads it,
// lists its rules, begins a new one.
//
//	go install github.com/zeugkit/zeug/cmd/zeug@latest
//	zeug run ./cmd/app
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/serving"
)

func main() {
	if err := newCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "zeug: "+err.Error())
		var usage *usageError
		if errors.As(err, &usage) {
			os.Exit(2)
		}
		os.Exit(serving.ExitCode(err))
	}
}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "zeug",
		Short: "Run, list and begin web applications",
		Long:  "Zeug is a toolkit for web applications in Go. This command runs an application while you work on it,\nlists its rules, and begins a new one.",
		Example: `  zeug new guestbook && cd guestbook
  zeug run                       run the program in this folder, and anew after each change
  zeug run ./cmd/app -- -db dev  with arguments of its own
  zeug routes ./cmd/app          its rules: paths, endpoints, methods`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("there is no command %q: %s --help lists them", args[0], cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("zeug {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w: %s --help shows the flags", err, cmd.CommandPath())}
	})
	root.AddCommand(newRun(), newRoutes(), newNew(), newReload(), newVersion())
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
