// Command others runs zeug vet on web applications of others, at fixed versions, and compares what it finds with what
// is a mistake there. It needs the Go module proxy, and some minutes for the first run, in which the go
// command builds what the applications import.
//
//	go run ./vet/others               all of them
//	go run ./vet/others mailpit       those of the name
//
// The applications stay in the module cache; nothing of them is copied. For some, testdata has a program of ours with
// rules of Zeug that lead to handlers of the application. It is checked together with the application, as it is
// and with mistakes.
package main

import (
	"errors"
	"fmt"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zeugkit/zeug/cmd/zeug/vet"
)

func main() {
	failed, found := false, false
	for _, p := range programs {
		if len(os.Args) > 1 && !slices.Contains(os.Args[1:], p.name) {
			continue
		}
		found = true
		title := p.module + " " + p.version
		if p.rules {
			title += " with rules of Zeug"
		}
		fmt.Println(title)
		if err := p.check(); err != nil {
			failed = true
			fmt.Printf("    %s\n", strings.ReplaceAll(err.Error(), "\n", "\n    "))
		}
	}
	if !found {
		fmt.Fprintf(os.Stderr, "there is no program %s\n", strings.Join(os.Args[1:], " "))
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

// check vets the program in a module that requires it.
func (p program) check() error {
	dir, err := os.MkdirTemp("", "others")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := p.makeModule(dir); err != nil {
		return err
	}
	loaded, err := vet.Load(vet.Config{Dir: dir, Env: environment()}, p.packages...)
	if err != nil {
		return err
	}
	checked := 0
	for _, pkg := range loaded.Packages {
		if len(pkg.Errors) > 0 {
			return fmt.Errorf("package %s does not compile: %w", pkg.Path, pkg.Errors[0])
		}
		checked += len(pkg.Files)
	}
	result := vet.Check(loaded)
	fmt.Printf("    %d files, %d findings\n", checked, len(result.Findings))
	var failures []error
	var want []string
	for _, e := range p.want {
		want = append(want, e.finding)
		fmt.Printf("    %s\n        expected: %s\n", e.finding, e.reason)
	}
	failures = append(failures, differences(want, findings(loaded.Fset, dir, result)))
	if p.rules {
		for _, s := range result.Skipped {
			if at := loaded.Fset.Position(s.Pos); filepath.Dir(at.Filename) == dir {
				failures = append(failures, fmt.Errorf("main.go:%d is not checked: %s", at.Line, s.Reason))
			}
		}
		failures = append(failures, p.checkMistakes(loaded, dir, want))
	}
	return errors.Join(failures...)
}

// checkMistakes makes each mistake in our program.
func (p program) checkMistakes(loaded *vet.Loaded, dir string, want []string) error {
	name := filepath.Join(dir, "main.go")
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var failures []error
	for _, m := range p.mistakes {
		if !strings.Contains(string(text), m.old) {
			failures = append(failures, fmt.Errorf("testdata/%s/main.go does not have %s", p.name, m.old))
			continue
		}
		changed := loaded.With(map[string][]byte{name: []byte(strings.Replace(string(text), m.old, m.changed, 1))})
		err := differences(slices.Concat(want, m.want), findings(changed.Fset, dir, vet.Check(changed)))
		if err != nil {
			failures = append(failures, fmt.Errorf("%s → %s:\n%w", m.old, m.changed, err))
		}
	}
	return errors.Join(failures...)
}

// differences returns an error that lists what is in one of the lists only.
func differences(want, got []string) error {
	var failures []error
	for _, f := range got {
		if !slices.Contains(want, f) {
			failures = append(failures, fmt.Errorf("unexpected: %s", f))
		}
	}
	for _, f := range want {
		if !slices.Contains(got, f) {
			failures = append(failures, fmt.Errorf("not found: %s", f))
		}
	}
	return errors.Join(failures...)
}

// findings returns the findings with the paths of files in their modules.
func findings(fset *token.FileSet, dir string, result *vet.Result) (list []string) {
	for _, f := range result.Findings {
		name := fset.Position(f.Pos).Filename
		if rest, ok := strings.CutPrefix(name, dir+string(filepath.Separator)); ok {
			name = rest
		} else if _, rest, ok := strings.Cut(name, "@"); ok { // module@version/path
			_, name, _ = strings.Cut(rest, string(filepath.Separator))
		}
		list = append(list, filepath.ToSlash(name)+": "+f.Message)
	}
	return list
}

// makeModule makes a module that requires the program, and the checkout of Zeug if it has rules.
func (p program) makeModule(dir string) error {
	steps := [][]string{{"mod", "init", "example.com/others"}}
	if p.rules {
		root, err := repository()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(root, "cmd", "zeug", "vet", "others", "testdata", p.name, "main.go"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "main.go"), text, 0o644); err != nil {
			return err
		}
		steps = append(steps, []string{"mod", "edit", "-require=github.com/zeugkit/zeug@v0.0.0", "-replace=github.com/zeugkit/zeug=" + root})
	}
	steps = append(steps, []string{"get", p.module + "/...@" + p.version})
	if p.rules {
		steps = append(steps, []string{"get", "."})
	}
	for _, args := range steps {
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = dir, environment()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
		}
	}
	return nil
}

func environment() []string { return append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod") }

// repository returns the root of the checkout.
func repository() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/zeugkit/zeug").Output()
	if err != nil {
		return "", fmt.Errorf("find the checkout of Zeug: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
