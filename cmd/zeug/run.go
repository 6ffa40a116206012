package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/cmd/zeug/frames"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/serving"
	"github.com/zeugkit/zeug/serving/reload"
	"github.com/zeugkit/zeug/serving/supervise"
)

// buildFlags are those of "go build" that choose what is built.
type buildFlags struct {
	tags  string
	race  bool
	other []string
}

func (b *buildFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&b.tags, "tags", "", "build `tags`, separated by commas")
	cmd.Flags().BoolVar(&b.race, "race", false, "build with the race detector")
	cmd.Flags().StringArrayVar(&b.other, "build-flag", nil, "another `flag` of go build, as -ldflags=-X=main.version=dev; may be repeated")
}

func (b *buildFlags) list() []string {
	var flags []string
	if b.tags != "" {
		flags = append(flags, "-tags="+b.tags)
	}
	if b.race {
		flags = append(flags, "-race")
	}
	return append(flags, b.other...)
}

func newRun() *cobra.Command {
	var build buildFlags
	var addrs, watch, exclude []string
	var poll time.Duration
	var quiet bool
	cmd := &cobra.Command{
		Use:   "run [package] [-- arguments]",
		Short: "Run a program, and anew after each change",
		Long: `Run builds a program that serves by package serving, runs it, and does so anew whenever its source
changes. The sockets stay open: a request that comes during a build waits for the new code, and none
is refused or cut. What does not build, or does not start, is shown in the browser. Pages load
themselves again when the program, a template or a style sheet has changed.`,
		Example: `  zeug run
  zeug run ./cmd/app
  zeug run ./cmd/app -- -db postgres://localhost/dev
  zeug run --addr 127.0.0.1:8080 --tags sqlite ./cmd/app
  zeug run --watch config.toml --watch 'data/*.json' --exclude '*_gen.go'`,
		Args:              atMostOne,
		ValidArgsFunction: completePackages,
		RunE: func(cmd *cobra.Command, args []string) error {
			program := program(cmd, args, build)
			pin, err := debugger.NewPIN(os.Stderr)
			if err != nil {
				return &serving.StartError{Err: err}
			}
			inspector, err := inspectCommand()
			if err != nil {
				return &serving.StartError{Err: err}
			}
			variables := &frames.Handler{PIN: pin, Inspector: inspector, Logger: serving.DefaultLogger()}
			defer variables.Close()
			s, err := reload.New(reload.Config{
				Program: program, Listen: addrs, Watch: watch, Exclude: exclude, Poll: poll, NoInject: quiet,
				Logger: serving.DefaultLogger(), Terminal: serving.OnTerminal(),
				Handle: map[string]http.Handler{supervise.FramesPath: variables}, Guard: variables.Guard, Receive: variables.Receive, Frames: true,
			})
			if err != nil {
				return &serving.StartError{Err: err}
			}
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			if err := s.Run(ctx); err != nil {
				return &serving.StartError{Err: err}
			}
			return nil
		},
	}
	build.add(cmd)
	flags := cmd.Flags()
	flags.StringArrayVar(&addrs, "addr", nil, "serve at this `address` and not the program's own; may be repeated")
	flags.StringArrayVar(&watch, "watch", nil, "a `path` whose change restarts the program too: a file, a folder, a pattern; may be repeated")
	flags.StringArrayVar(&exclude, "exclude", nil, "a `pattern` of files that are left alone; may be repeated")
	flags.DurationVar(&poll, "poll", 0, "look at the files in this `interval` instead of waiting for the system to tell")
	flags.BoolVar(&quiet, "no-live-reload", false, "leave pages in the browser as they are")
	return cmd
}

// program is what the command line names.
func program(cmd *cobra.Command, args []string, build buildFlags) reload.Program {
	p := reload.Program{Flags: build.list()}
	own := args
	if dash := cmd.ArgsLenAtDash(); dash >= 0 {
		own, p.Args = args[:dash], args[dash:]
	}
	if len(own) > 0 {
		p.Package = own[0]
	}
	return p
}
