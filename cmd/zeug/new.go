package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	xmodule "golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// project holds what new programs begin with: all for every program, and site or api. The
// names of Go files end with ".txt", so that the go command does not compile them with
// this package.
//
//go:embed all:project
var project embed.FS

const zeugModule = "github.com/zeugkit/zeug"

func newNew() *cobra.Command {
	var module, replace string
	var api bool
	cmd := &cobra.Command{
		Use:   "new name",
		Short: "Begin a program: a site with templates, or a JSON API",
		Long: `New makes a folder with a program that runs, its test, and a workflow that runs the test on GitHub.
The program is a site of two pages with templates and a style sheet, or, with --api, a JSON API. The
name of the folder is the last element of the name, which may be the path of a module.`,
		Example: `  zeug new guestbook
  zeug new --api example.org/ada/notes
  cd guestbook && zeug run`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &usageError{errors.New("name the program, as in zeug new guestbook")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if module == "" {
				module = args[0]
			}
			kind := "site"
			if api {
				kind = "api"
			}
			dir := filepath.Base(filepath.FromSlash(args[0]))
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
			defer stop()
			undo, err := create(dir, module, kind)
			if err != nil {
				return err
			}
			done := slowly(cmd.ErrOrStderr(), "fetching the modules")
			err = requireZeug(ctx, dir, replace)
			done()
			if err != nil {
				return errors.Join(err, undo())
			}
			fmt.Fprintf(cmd.OutOrStdout(), "made %s: cd %s && %szeug run\n", dir, dir, joining(dir))
			return nil
		},
	}
	cmd.Flags().BoolVar(&api, "api", false, "begin a JSON API instead of a site")
	cmd.Flags().StringVar(&module, "module", "", "the `path` of the module; the name by default")
	cmd.Flags().StringVar(&replace, "replace", "", "a `folder` with a copy of zeug to use in place of a release")
	return cmd
}

// reserved are the names that the go command does not take for a module.
var reserved = []string{"go", "toolchain", "all", "std", "cmd", "work", "tool"}

// create writes the files of a program into the folder dir, which must be new or empty. The kind is
// "site" or "api". undo removes what create made.
func create(dir, module, kind string) (undo func() error, err error) {
	if err := xmodule.CheckImportPath(module); err != nil {
		return nil, &usageError{fmt.Errorf("%q cannot be the path of a module, which is made of letters, digits, - . _ ~ and slashes: %w", module, err)}
	}
	if base := filepath.Base(dir); strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return nil, &usageError{fmt.Errorf("the go command does not see folders such as %q: choose another name", base)}
	}
	if slices.Contains(reserved, module) {
		return nil, &usageError{fmt.Errorf("%q cannot be the path of a module, since it means something else to the go command: choose another name", module)}
	}
	entries, err := os.ReadDir(dir)
	if len(entries) > 0 {
		return nil, fmt.Errorf("%s is there already, and not empty: choose another name", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	undo = func() error { return os.RemoveAll(dir) }
	if err == nil { // the folder was there before
		undo = func() error { return empty(dir) }
	}
	fill := strings.NewReplacer("MODULE", module, "NAME", filepath.Base(dir))
	for _, part := range []string{"project/all", "project/" + kind} {
		if err := copyFolder(part, dir, fill); err != nil {
			return nil, errors.Join(err, undo())
		}
	}
	return undo, nil
}

// copyFolder copies the files of a folder of project to dir.
func copyFolder(folder, dir string, fill *strings.Replacer) error {
	return fs.WalkDir(project, folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(strings.TrimSuffix(strings.TrimPrefix(name, folder), ".txt")))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		text, err := project.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, []byte(fill.Replace(string(text))), 0o644)
	})
}

// empty removes everything from a folder.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// joining returns the command that adds the module of dir to the workspace around it, "" if
// there is none. The go command builds nothing inside a workspace that does not belong to it.
func joining(dir string) string {
	env := exec.Command("go", "env", "GOWORK")
	env.Dir = dir
	work, err := env.Output()
	if name := strings.TrimSpace(string(work)); err != nil || name == "" || name == "off" {
		return ""
	}
	return "go work use . && "
}

// release returns the version of zeug that new programs require: the version of this command,
// which the programs are written for, or "latest" if the command is not of a release.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != zeugModule+"/cmd/zeug" {
		return "latest"
	}
	return releaseOf(info.Main.Version)
}

func releaseOf(version string) string {
	if !semver.IsValid(version) || semver.Canonical(version) != version || xmodule.IsPseudoVersion(version) { // "(devel)", a commit, changed files
		return "latest"
	}
	return version
}

// requireZeug writes zeug, and what it requires, into the go.mod of dir: a release, or the copy in
// the folder replace.
func requireZeug(ctx context.Context, dir, replace string) error {
	if replace == "" {
		if out, err := goCommand(ctx, dir, "get", zeugModule+"@"+release()); err != nil {
			return fmt.Errorf("no release of zeug can be fetched (%s): clone https://%s and repeat the command with --replace and the clone's folder",
				reason(out, err), zeugModule)
		}
	} else {
		folder, err := filepath.Abs(replace)
		if err != nil {
			return err
		}
		if out, err := goCommand(ctx, dir, "mod", "edit", "-replace", zeugModule+"="+folder); err != nil {
			return fmt.Errorf("--replace %s: %s", replace, reason(out, err))
		}
	}
	if out, err := goCommand(ctx, dir, "mod", "tidy"); err != nil {
		return fmt.Errorf("\"go mod tidy\" failed:\n%s", out)
	}
	return nil
}

// goCommand runs the go command in dir, apart from a workspace around it, and returns what it prints.
func goCommand(ctx context.Context, dir string, args ...string) (out string, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	b, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(b)), err
}

// reason returns the line of the go command's output that says why it failed.
func reason(out string, err error) string {
	for line := range strings.Lines(out) {
		if line, ok := strings.CutPrefix(strings.TrimSpace(line), "go: "); ok && !strings.HasPrefix(line, "downloading ") {
			return line
		}
	}
	return err.Error()
}
