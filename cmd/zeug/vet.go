package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/zeugkit/zeug/cmd/zeug/vet"
)

// errFindings makes the command fail after it has printed what it found.
var errFindings = errors.New("")

func newVet() *cobra.Command {
	var build buildFlags
	var asJSON, fix, verbose bool
	cmd := &cobra.Command{
		Use:   "vet [packages]",
		Short: "Find misspelt links, variables, templates and static files",
		Long: `Vet reads programs without running them, and reports rules that do not parse, links to endpoints that do
not exist, variables that a rule does not have, mistakes in templates, and static files that are not
there. It fails if it finds something. Without packages it checks those in and below the current folder.`,
		Example: `  zeug vet
  zeug vet ./cmd/app
  zeug vet --fix
  go vet -vettool=$(which zeug) ./...   package by package, together with other checks`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"./..."}
			}
			loaded, err := vet.Load(vet.Config{Flags: build.list()}, args...)
			if err != nil {
				return err
			}
			result := vet.Check(loaded)
			if fix {
				if result.Findings, err = applyFixes(loaded.Fset, result.Findings); err != nil {
					return err
				}
			}
			if asJSON {
				err = printFindingsJSON(cmd.OutOrStdout(), loaded.Fset, result, verbose)
			} else {
				err = printFindings(cmd.OutOrStdout(), loaded.Fset, result, verbose)
			}
			if err == nil && len(result.Findings) > 0 {
				err = errFindings
			}
			return err
		},
	}
	build.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().BoolVar(&fix, "fix", false, "correct names that have only one near neighbour")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "also list what could not be checked")
	return cmd
}

// place is a position relative to the current folder.
func place(fset *token.FileSet, pos token.Pos) token.Position {
	p := fset.Position(pos)
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, p.Filename); err == nil && !strings.HasPrefix(rel, "..") {
			p.Filename = rel
		}
	}
	return p
}

func printFindings(w io.Writer, fset *token.FileSet, result *vet.Result, verbose bool) error {
	for _, f := range result.Findings {
		if _, err := fmt.Fprintf(w, "%s: %s\n", place(fset, f.Pos), f.Message); err != nil {
			return err
		}
	}
	if !verbose {
		return nil
	}
	for _, s := range result.Skipped {
		if _, err := fmt.Fprintf(w, "%s: not checked: %s\n", place(fset, s.Pos), s.Reason); err != nil {
			return err
		}
	}
	return nil
}

// finding is a finding in JSON.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Kind    string `json:"kind"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

func printFindingsJSON(w io.Writer, fset *token.FileSet, result *vet.Result, verbose bool) error {
	list := []finding{}
	for _, f := range result.Findings {
		p := place(fset, f.Pos)
		list = append(list, finding{p.Filename, p.Line, p.Column, string(f.Kind), f.Message, f.Fix})
	}
	if verbose {
		for _, s := range result.Skipped {
			p := place(fset, s.Pos)
			list = append(list, finding{p.Filename, p.Line, p.Column, "skipped", s.Reason, ""})
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(list)
}

// applyFixes writes the corrections into the files, and returns the findings that have none.
func applyFixes(fset *token.FileSet, findings []vet.Finding) (left []vet.Finding, err error) {
	files := map[string][]vet.Finding{}
	for _, f := range findings {
		if f.Fix == "" || !f.End.IsValid() {
			left = append(left, f)
			continue
		}
		name := fset.Position(f.Pos).Filename
		files[name] = append(files[name], f)
	}
	for name, list := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		slices.SortFunc(list, func(a, b vet.Finding) int { return int(b.Pos - a.Pos) }) // the last first
		before := len(text) + 1
		for _, f := range list {
			from, to := fset.Position(f.Pos).Offset, fset.Position(f.End).Offset
			if to > before {
				continue
			}
			text, before = slices.Concat(text[:from], []byte(f.Fix), text[to:]), from
		}
		if err := os.WriteFile(name, text, info.Mode().Perm()); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// vettool runs the command as "go vet -vettool" starts it, and reports whether it was started so.
func vettool(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	if slices.ContainsFunc(args[:len(args)-1], func(a string) bool { return !strings.HasPrefix(a, "-") }) {
		return false // the file of a command of ours
	}
	if last != "-V=full" && last != "-flags" && !(strings.HasSuffix(last, ".cfg") && filepath.IsAbs(last)) {
		return false
	}
	unitchecker.Main(vet.Analyzer)
	return true
}
