package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/zeugkit/zeug/cmd/zeug/vet"
	"github.com/zeugkit/zeug/internal/reload"
)

const checkName = "check-source"

// Bounds of a check beside a running program.
const (
	checkTime    = 2 * time.Minute
	mostFindings = 100
	mostOutput   = 1 << 20 // bytes that a check may print
)

// newCheckSource is how "zeug run" starts itself to check the source. A process of its own can be
// stopped at any time, has less priority than the program, and its memory is bounded. It ends when
// its input ends, which is when "zeug run" ends. It is not for people.
func newCheckSource() *cobra.Command {
	return &cobra.Command{
		Use:    checkName + " package [-- flags of go list]",
		Short:  "Print what zeug vet finds, as JSON",
		Hidden: true,
		Args:   cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			limitCheck()
			go func() {
				_, _ = io.Copy(io.Discard, cmd.InOrStdin())
				endGroup()
			}()
			loaded, err := vet.Load(vet.Config{Flags: args[1:]}, args[0])
			if err != nil {
				return err
			}
			result := vet.Check(loaded)
			result.Findings = result.Findings[:min(mostFindings, len(result.Findings))]
			return printFindingsJSON(cmd.OutOrStdout(), loaded.Fset, result, false)
		},
	}
}

// sourceChecker checks the source of a program while it runs. Its method check is a reload.Config.Check.
type sourceChecker struct {
	program reload.Program
	command []string // the command line that starts this program with newCheckSource
	folder  string   // the supervisor's folder, for the files that checks write; the supervisor removes it when it ends
	logger  *slog.Logger

	said   []string // the findings that the terminal shows last, without their places
	failed string   // why the last check failed
}

func newSourceChecker(program reload.Program, logger *slog.Logger) (*sourceChecker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the command zeug, which checks the source too: %w", err)
	}
	if program.Package == "" {
		program.Package = "."
	}
	return &sourceChecker{program: program, command: []string{self, checkName}, logger: logger}, nil
}

func (c *sourceChecker) check(ctx context.Context, buildFlags []string) ([]reload.Problem, error) {
	list, err := c.findings(ctx, buildFlags)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		if c.failed != err.Error() {
			c.failed = err.Error()
			c.logger.Warn("zeug vet cannot check the program: --no-vet switches it off", "reason", c.failed)
		}
		return nil, err
	}
	c.failed = ""
	c.say(list)
	problems := make([]reload.Problem, len(list))
	for i, f := range list {
		file := f.File
		if absolute, err := filepath.Abs(filepath.Join(c.program.Dir, file)); err == nil && !filepath.IsAbs(file) {
			file = absolute
		}
		problems[i] = reload.Problem{File: file, Line: f.Line, Column: f.Column, Message: f.Message}
	}
	return problems, nil
}

// findings runs the check in another process, which ends with the context.
func (c *sourceChecker) findings(ctx context.Context, buildFlags []string) ([]finding, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, checkTime, fmt.Errorf("it takes longer than %s", checkTime))
	defer cancel()
	// A go command that is killed leaves its files behind, so they get a folder that is removed
	// here, or with the supervisor's.
	folder, err := os.MkdirTemp(c.folder, "check-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	cmd := exec.CommandContext(ctx, c.command[0], slices.Concat(c.command[1:], []string{c.program.Package, "--"}, buildFlags)...)
	cmd.Dir = c.program.Dir
	cmd.Env = append(os.Environ(), "GOMEMLIMIT=1GiB", "GOTMPDIR="+folder, "TMPDIR="+folder)
	cmd.WaitDelay = time.Second
	out, said := &bounded{limit: mostOutput}, &bounded{limit: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, said
	apart(cmd)
	// Nothing is written. When this process is killed, the system closes its end.
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	defer input.Close()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	yieldTo(cmd)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if text := strings.TrimPrefix(strings.TrimSpace(string(said.bytes)), "zeug: "); text != "" {
			err = errors.New(text)
		}
		return nil, err
	}
	var list []finding
	if err := json.Unmarshal(out.bytes, &list); err != nil {
		return nil, fmt.Errorf("what the check printed: %w", err)
	}
	return list, nil
}

// say shows findings in the terminal if they differ from the last ones. Line numbers change with
// every edit, so they are not compared.
func (c *sourceChecker) say(list []finding) {
	var now []string
	var text strings.Builder
	for _, f := range list {
		now = append(now, f.File+": "+f.Message)
		fmt.Fprintf(&text, "%s:%d:%d: %s\n", f.File, f.Line, f.Column, f.Message)
	}
	slices.Sort(now)
	if slices.Equal(now, c.said) {
		return
	}
	c.said = now
	switch {
	case len(list) == 0:
		c.logger.Info("zeug vet: no mistakes any more")
	case len(list) == 1:
		c.logger.Warn("zeug vet: 1 mistake", "output", text.String())
	case len(list) == mostFindings:
		c.logger.Warn(fmt.Sprintf("zeug vet: %d mistakes or more", len(list)), "output", text.String())
	default:
		c.logger.Warn(fmt.Sprintf("zeug vet: %d mistakes", len(list)), "output", text.String())
	}
}

// bounded takes no more than limit bytes. Writes beyond it fail.
type bounded struct {
	bytes []byte
	limit int
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.bytes)+len(p) > b.limit {
		return 0, fmt.Errorf("it prints more than %d bytes", b.limit)
	}
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}
