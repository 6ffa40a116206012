package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

const inspectName = "inspect-core"

// inspectCommand is this program, as a reader of cores.
func inspectCommand() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the command zeug, which reads cores too: %w", err)
	}
	return []string{self, inspectName}, nil
}

// newReadCore is how "zeug run" and "zeug inspect" start themselves to read a core. It is not for people.
func newReadCore() *cobra.Command {
	return &cobra.Command{
		Use:    inspectName + " program core",
		Short:  "Answer questions about a core",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			return inspect.Serve(args[0], args[1], os.Stdin, os.Stdout)
		},
	}
}
