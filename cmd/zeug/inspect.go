package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/cmd/zeug/frames"
	"github.com/zeugkit/zeug/cmd/zeug/inspect"
	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/internal/corefile"
	"github.com/zeugkit/zeug/internal/hosts"
	"github.com/zeugkit/zeug/internal/peer"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
)

func newInspect() *cobra.Command {
	var p postMortem
	var addr string
	cmd := &cobra.Command{
		Use:   "inspect core",
		Short: "Show a panic of production, with its variables",
		Long: `Inspect opens a core that a program wrote by middleware/postmortem when a request panicked. It serves the
page that "zeug run" shows of a failure: frames with source and variables, the request, and a console
for expressions. It needs the executable that ran, from the same build. Nothing is sent to the program.

The page is for this machine alone, and variables need the PIN that is printed. The core has all secrets
of the program: keep it where no other user can read it, and delete it afterwards.`,
		Example: `  zeug inspect shop-20261130T140501.123456Z-4711.core --program ./shop
  zeug inspect shop.core --program ./shop --source ~/src/shop`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{errors.New("name one core: zeug inspect shop.core --program ./shop")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p.core = args[0]
			if host, _, ok := hosts.Split(addr); !ok || !hosts.IsLocal(host) {
				return &usageError{fmt.Errorf("--addr is %q: the page is for this machine alone, as in 127.0.0.1:5001", addr)}
			}
			if err := p.open(); err != nil {
				return err
			}
			return p.serve(addr, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&p.program, "program", "", "the `executable` that wrote the core (default: at the path where it ran)")
	cmd.Flags().StringVar(&p.source, "source", ".", "a `folder` of the program's module, for source of a program built with -trimpath")
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:0", "serve the page at this `address`")
	return cmd
}

// postMortem is a core of another process, with its program.
type postMortem struct {
	core, program, source string
	record                corefile.Record
	report                *debugger.Report
	stripped              bool // there is no debug information, and so there are no variables
}

// open reads the record of the core, and checks that the program is the one that wrote it.
func (p *postMortem) open() (err error) {
	if p.record, err = corefile.ReadRecord(p.core); err != nil {
		return err
	}
	p.program = cmp.Or(p.program, p.record.Program)
	if _, err := os.Stat(p.program); err != nil {
		return fmt.Errorf("%w: name the executable that wrote the core by --program: it was %s on %s", err, p.record.Program, p.record.Machine)
	}
	build, err := corefile.BuildOf(p.program)
	if err != nil {
		return err
	}
	if build != p.record.Build {
		return fmt.Errorf("%s is not the program that wrote the core: the build IDs differ (%s, and %s of %s on %s). Take the executable that ran, or a copy of it before strip",
			p.program, build, p.record.Build, p.record.Program, p.record.Machine)
	}
	switch err := inspect.Check(p.program); {
	case errors.Is(err, inspect.ErrStripped):
		p.stripped = true
	case err != nil:
		return err
	}
	p.describe()
	return nil
}

// describe makes the report of the page.
func (p *postMortem) describe() {
	r := &p.record
	machine := "process " + strconv.Itoa(r.PID)
	if r.Machine != "" {
		machine += " on " + r.Machine
	}
	process := []debugger.Field{{Name: "written", Value: r.Time.UTC().Format(time.RFC3339) + " by " + machine}, {Name: "executable", Value: r.Program}}
	if r.Request.ID != "" {
		process = append(process, debugger.Field{Name: "request ID", Value: r.Request.ID})
	}
	p.report = debugger.PostMortem{
		Time: r.Time, Message: r.Message, Type: r.Type, Goroutine: r.Goroutine, Stack: r.Stack,
		Request: requestOf(&r.Request), Rule: r.Request.Rule, Log: r.Log, Process: process, Program: p.program, Dir: p.source,
	}.Report()
	if r.Collected {
		p.report.Origin = "The garbage collector ran between the panic and the core. A variable that the functions no longer used may show other contents."
	}
	if p.stripped {
		p.report.Variables = "There are no variables: " + inspect.ErrStripped.Error() + "."
	}
}

// requestOf is the request as the program received it, without a body.
func requestOf(kept *corefile.Request) *http.Request {
	target, err := url.ParseRequestURI(kept.Target)
	if err != nil {
		target = &url.URL{Path: kept.Target}
	}
	r := &http.Request{
		Method: kept.Method, URL: target, Proto: kept.Protocol, Header: kept.Header,
		Host: kept.Host, RemoteAddr: kept.Client, RequestURI: kept.Target,
	}
	origin := gateway.Origin{Scheme: kept.Scheme, Host: kept.Host, RootPath: kept.RootPath}
	origin.Client, _ = netip.ParseAddrPort(kept.Client) // a unix socket has none
	return gateway.WithOrigin(r, origin)
}

// serve shows the page until a signal ends the command.
func (p *postMortem) serve(addr string, out, terminal io.Writer) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	pin, err := debugger.NewPIN(terminal)
	if err != nil {
		return err
	}
	inspector, err := inspectCommand()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("serve the page: %w", err)
	}
	page := &inspection{postMortem: p, guard: debugger.Debugger{PIN: pin}}
	page.frames = &frames.Handler{Guard: page.guard, Inspector: inspector}
	defer page.frames.Close()
	fmt.Fprintln(out, p.report.Text())
	if info, err := os.Stat(p.core); err == nil && info.Mode().Perm()&0o077 != 0 {
		fmt.Fprintf(terminal, "WARNING: other users may open %s, which has all secrets of the program: chmod 600 it.\n", p.core)
	}
	if p.stripped {
		fmt.Fprintln(terminal, p.report.Variables)
	} else {
		page.keep()
	}
	fmt.Fprintf(terminal, " * Running on http://%s/\nPress CTRL+C to quit\n", listener.Addr())
	server := &http.Server{Handler: page, ReadHeaderTimeout: 10 * time.Second, ConnContext: peer.ConnContext}
	context.AfterFunc(ctx, func() { _ = server.Close() }) // nothing is lost with a page
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the page: %w", err)
	}
	return nil
}

// inspection answers with the page and its variables.
type inspection struct {
	*postMortem
	guard  debugger.Debugger
	frames *frames.Handler
	live   debugger.Live
}

// keep lets the page request the variables of the core.
func (i *inspection) keep() {
	failure := supervise.Failure{Key: i.report.ID, Core: i.core, Goroutine: i.record.Goroutine, Secret: rand.Text()}
	for _, f := range i.report.Frames {
		failure.Frames = append(failure.Frames, supervise.Frame{Function: f.Function, File: f.File, Line: f.Line})
	}
	i.frames.Add(failure, i.program)
	i.live = debugger.Live{URL: supervise.Prefix + supervise.FramesPath + failure.Key + "/", Secret: failure.Secret}
}

func (i *inspection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if i.guard.Unlock(w, r) {
		return
	}
	switch access := i.guard.Access(r); {
	case access == debugger.Denied:
		http.Error(w, "403 only this machine may ask", http.StatusForbidden)
	case strings.HasPrefix(r.URL.Path, framesPrefix):
		i.frames.ServeHTTP(w, r)
	case access == debugger.Locked:
		i.guard.Ask(w, r, http.StatusUnauthorized)
	case r.URL.Path != "/":
		http.NotFound(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 ask by GET", http.StatusMethodNotAllowed)
	default:
		i.guard.Page(i.report, i.live, http.StatusOK).ServeHTTP(w, r)
	}
}

const framesPrefix = supervise.Prefix + supervise.FramesPath
