package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/internal/reload"
)

// envRoutes is the variable of the library's internal/routelist, which another module cannot
// import.
const envRoutes = "ZEUG_ROUTES"

// route is a rule of a program, as the program describes it.
type route struct {
	Map      int      `json:"map"`
	Path     string   `json:"path"`
	Endpoint string   `json:"endpoint,omitempty"`
	Methods  []string `json:"methods,omitempty"`
	Place    string   `json:"place,omitempty"`
	Note     string   `json:"note,omitempty"`
	Where    string   `json:"where"`
}

func newRoutes() *cobra.Command {
	var build buildFlags
	var asJSON bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "routes [package] [-- arguments]",
		Short: "List a program's rules",
		Long: `Routes builds a program and runs it up to the point where it would serve, which is the call of
serving.Run, serving.Main or the like. Then it lists the rules of every routing.Map that the program
has made: paths, endpoints, methods, and where each was written.`,
		Example: `  zeug routes
  zeug routes ./cmd/app
  zeug routes --json ./cmd/app | jq -r '.[].endpoint'`,
		Args:              atMostOne,
		ValidArgsFunction: completePackages,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), limit)
			defer cancel()
			routes, err := routesOf(ctx, program(cmd, args, build), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				encoder.SetEscapeHTML(false)
				return encoder.Encode(routes)
			}
			return printRoutes(cmd.OutOrStdout(), routes)
		},
	}
	build.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().DurationVar(&limit, "timeout", time.Minute, "how `long` building and starting may take")
	return cmd
}

// routesOf builds a program and asks it.
func routesOf(ctx context.Context, p reload.Program, progress io.Writer) ([]route, error) {
	dir, err := os.MkdirTemp("", "zeug")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	executable, list := filepath.Join(dir, "program"), filepath.Join(dir, "routes")
	name := p.Package
	if name == "" {
		name = "."
	}
	done := slowly(progress, "building "+name)
	build := exec.CommandContext(ctx, "go", append(append([]string{"build", "-o", executable}, p.Flags...), name)...)
	build.WaitDelay = time.Second
	out, err := build.CombinedOutput()
	done()
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s was not built in time: --timeout gives it longer", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s does not build:\n%s", name, strings.TrimSpace(string(out)))
	}
	done = slowly(progress, "starting "+name)
	run := exec.CommandContext(ctx, executable, p.Args...)
	run.Env = append(os.Environ(), envRoutes+"="+list)
	run.WaitDelay = time.Second
	out, err = run.CombinedOutput()
	done()
	text, missing := os.ReadFile(list)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s did not serve in time: --timeout gives it longer", name)
	case errors.Is(missing, fs.ErrNotExist):
		if err != nil {
			return nil, fmt.Errorf("%s ended before it served: %w\n%s", name, err, bytes.TrimSpace(out))
		}
		return nil, fmt.Errorf("%s ended without serving: rules can be listed only for a program that calls serving.Run or serving.Main", name)
	case missing != nil:
		return nil, missing
	}
	var routes []route
	if err := json.Unmarshal(text, &routes); err != nil {
		return nil, fmt.Errorf("the list that %s wrote: %w", name, err)
	}
	locate(routes)
	return routes, nil
}

func printRoutes(w io.Writer, routes []route) error {
	if len(routes) == 0 {
		_, err := fmt.Fprintln(w, "The program has made no routing.Map.")
		return err
	}
	here, _ := os.Getwd()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for i, r := range routes {
		if i == 0 || r.Map != routes[i-1].Map {
			if i > 0 {
				fmt.Fprintln(table)
			}
			fmt.Fprintln(table, "ENDPOINT\tMETHODS\tRULE\tWRITTEN AT")
		}
		methods := strings.Join(r.Methods, ",")
		if methods == "" {
			methods = "any"
		}
		path := r.Place + r.Path
		if r.Note != "" {
			path += "  (" + r.Note + ")"
		}
		where := r.Where
		if rel, err := filepath.Rel(here, where); err == nil && !strings.HasPrefix(rel, "..") {
			where = rel
		}
		endpoint := r.Endpoint
		if endpoint == "" {
			endpoint = "-"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", endpoint, methods, path, where)
	}
	return table.Flush()
}

// slowly says what takes so long after a second.
func slowly(w io.Writer, what string) (done func()) {
	timer := time.AfterFunc(time.Second, func() { fmt.Fprintf(w, "%s …\n", what) })
	return func() { timer.Stop() }
}
