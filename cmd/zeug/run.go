package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/cmd/zeug/frames"
	"github.com/zeugkit/zeug/cmd/zeug/requests"
	"github.com/zeugkit/zeug/internal/reaper"
	"github.com/zeugkit/zeug/internal/reload"
	"github.com/zeugkit/zeug/internal/starterror"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
	"github.com/zeugkit/zeug/serving"
)

// buildFlags are the flags of "go build" that choose what is built.
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
	var quiet, noVet bool
	cmd := &cobra.Command{
		Use:   "run [package] [-- arguments]",
		Short: "Run a program, and restart it after each change",
		Long: `Run builds a program that serves by package serving and runs it. When its source changes, it builds and
runs it again. The sockets stay open: a request that comes during a build waits for the new code, and
none is refused or cut. The browser shows why a program does not build or does not start. Pages load
themselves again when the program, a template or a style sheet has changed.

After each change it also looks for what "zeug vet" finds, such as misspelt links and templates, beside
the running program. The terminal lists it, and pages show it in a strip at their foot.`,
		Example: `  zeug run
  zeug run ./cmd/app
  zeug run ./cmd/app -- -db postgres://localhost/dev
  zeug run --addr 127.0.0.1:8080 --tags sqlite ./cmd/app
  zeug run --watch config.toml --watch 'data/*.json' --exclude '*_gen.go'`,
		Args:              atMostOne,
		ValidArgsFunction: completePackages,
		RunE: func(cmd *cobra.Command, args []string) error {
			defer reaper.Start()()
			program := program(cmd, args, build)
			pin, err := debugger.NewPIN(os.Stderr)
			if err != nil {
				return &starterror.Error{Err: err}
			}
			inspector, err := inspectCommand()
			if err != nil {
				return &starterror.Error{Err: err}
			}
			guard := debugger.Debugger{PIN: pin}
			variables := &frames.Handler{Guard: guard, Inspector: inspector, Logger: serving.DefaultLogger()}
			defer variables.Close()
			list := &requests.List{Guard: guarded(&guard), Tests: func() string { return packageFolder(program.Package) }}
			config := reload.Config{
				Program: program, Listen: addrs, Watch: watch, Exclude: exclude, Poll: poll, NoInject: quiet,
				Logger: serving.DefaultLogger(), Terminal: supervise.OnTerminal(),
				Handle: map[string]http.Handler{supervise.FramesPath: variables, supervise.RequestsPath: list},
				Record: list.Record, Guard: &guard, Receive: func(p *reload.Process, m supervise.Message) {
					variables.Receive(p, m)
					list.Receive(p, m)
				}, Frames: true, LinkTools: true,
			}
			checker, err := newSourceChecker(program, config.Logger)
			if err != nil {
				return &starterror.Error{Err: err}
			}
			if !noVet {
				config.Check = checker.check
			}
			s, err := reload.New(config)
			if err != nil {
				return &starterror.Error{Err: err}
			}
			checker.folder = s.Folder()
			list.Program = s
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
			defer stop()
			if err := s.Run(ctx); err != nil {
				return &starterror.Error{Err: err}
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
	flags.BoolVar(&noVet, "no-vet", false, "do not check the source as zeug vet does")
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

// guarded makes pages ask for the PIN, and refuses other machines.
func guarded(guard *debugger.Debugger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		asked := guard.PIN.Guard(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if guard.Access(r) == debugger.Denied {
				http.Error(w, "403 only this machine may ask", http.StatusForbidden)
				return
			}
			asked.ServeHTTP(w, r)
		})
	}
}

// packageFolder is the folder of a package as the go command finds it, "" if it does not.
func packageFolder(name string) string {
	if name == "" {
		name = "."
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "list", "-find", "-e", "-f", "{{.Dir}}", "--", name).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
