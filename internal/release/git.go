package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// git is a work tree.
type git struct {
	dir string
	ctx context.Context
}

// run runs a git command in the work tree and returns its output without the last newline.
func (g git) run(args ...string) (string, error) { return command(g.ctx, g.dir, nil, "git", args...) }

// objects returns the folder that holds the objects of the repository.
func (g git) objects() (string, error) {
	common, err := g.commonDir()
	return filepath.Join(common, "objects"), err
}

// commonDir returns the folder .git that all work trees of the repository share.
func (g git) commonDir() (string, error) {
	dir, err := g.run("rev-parse", "--git-common-dir")
	if err == nil && !filepath.IsAbs(dir) {
		dir = filepath.Join(g.dir, dir)
	}
	return dir, err
}

// command runs a command in a folder with additions to the environment. The error includes what the
// command wrote to standard error.
func command(ctx context.Context, dir string, env []string, name string, args ...string) (string, error) {
	var out, problem bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, strings.TrimSpace(problem.String()))
	}
	return strings.TrimRight(out.String(), "\n"), nil
}
