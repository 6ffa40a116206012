package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	xmodule "golang.org/x/mod/module"
)

// project is what a new program begins with. Go files are texts, so that they
// are not taken for part of this module.
//
//go:embed project
var project embed.FS

func newNew() *cobra.Command {
	var module, replace string
	cmd := &cobra.Command{
		Use:   "new name",
		Short: "Begin a program: a map of rules, a template, static files, a test",
		Long: `New makes a folder with a program that runs: two views, templates, a style sheet, a test. The folder's
name is the last element of the name that is given, which may be the path of a module.`,
		Example: `  zeug new guestbook
  zeug new example.org/ada/guestbook
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
			dir := filepath.Base(filepath.FromSlash(args[0]))
			if err := create(dir, module); err != nil {
				return err
			}
			done := slowly(cmd.ErrOrStderr(), "fetching the modules")
			err := requireZeug(dir, replace)
			done()
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "made %s: cd %s && %szeug run\n", dir, dir, joining(dir))
			return nil
		},
	}
	cmd.Flags().StringVar(&module, "module", "", "the `path` of the module; the name by default")
	cmd.Flags().StringVar(&replace, "replace", "", "a `folder` with a copy of zeug to use in place of the newest release")
	return cmd
}

// reserved are the names that the go command does not take for a module.
var reserved = []string{"go", "toolchain", "all", "std", "cmd", "work", "tool"}

// create writes the project's files into the folder dir, which must be new or
// empty.
func create(dir, module string) error {
	if err := xmodule.CheckImportPath(module); err != nil {
		return &usageError{fmt.Errorf("%q cannot be the path of a module, which is made of letters, digits, - . _ ~ and slashes: %w", module, err)}
	}
	if base := filepath.Base(dir); strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") {
		return &usageError{fmt.Errorf("the go command does not see folders such as %q: choose another name", base)}
	}
	if slices.Contains(reserved, module) {
		return &usageError{fmt.Errorf("%q cannot be the path of a module, since it means something else to the go command: choose another name", module)}
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is there already, and not empty: choose another name", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fill := strings.NewReplacer("MODULE", module, "NAME", filepath.Base(dir))
	return fs.WalkDir(project, "project", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(dir, strings.TrimSuffix(strings.TrimPrefix(name, "project"), ".txt"))
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

// joining is what has the module of dir be of the workspace round it, if there is
// one: the go command builds nothing there that is not.
func joining(dir string) string {
	env := exec.Command("go", "env", "GOWORK")
	env.Dir = dir
	work, err := env.Output()
	if name := strings.TrimSpace(string(work)); err != nil || name == "" || name == "off" {
		return ""
	}
	return "go work use . && "
}

// requireZeug has the module of dir require zeug and what zeug requires.
func requireZeug(dir, replace string) error {
	var commands [][]string
	if replace != "" {
		folder, err := filepath.Abs(replace)
		if err != nil {
			return err
		}
		commands = append(commands, []string{"mod", "edit", "-replace", "github.com/zeugkit/zeug=" + folder})
	}
	for _, args := range append(commands, []string{"mod", "tidy"}) {
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off") // of a workspace round the folder
		if out, err := cmd.CombinedOutput(); err != nil {
			instead := ""
			if replace == "" {
				instead = ", or, with a copy of zeug, after \"go mod edit -replace github.com/zeugkit/zeug=FOLDER\""
			}
			return fmt.Errorf("the files are in %s, but \"go %s\" failed there; run it once that can work%s:\n%s", dir, strings.Join(args, " "), instead, strings.TrimSpace(string(out)))
		}
	}
	return nil
}
