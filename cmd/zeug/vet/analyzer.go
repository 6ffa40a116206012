package vet

import (
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer checks one package, for drivers such as "go vet -vettool", golangci-lint and gopls. It
// does not report URLs, variables and names whose other half may be in another package: "zeug vet"
// sees whole programs.
var Analyzer = &analysis.Analyzer{
	Name: "zeug",
	Doc: `find mistakes in programs that use Zeug

The analyzer reports rules that routing refuses, links to endpoints that do not exist, variables that a rule
does not have, templates and static files whose names are misspelt, and responses that are dropped.`,
	URL: "https://github.com/zeugkit/zeug/blob/main/docs/vet.md",
	Run: run,
}

func run(pass *analysis.Pass) (any, error) {
	if isLibrary(pass.Pkg.Path()) {
		return nil, nil
	}
	pkg := &Package{Path: pass.Pkg.Path(), Name: pass.Pkg.Name(), Types: pass.Pkg}
	for _, f := range pass.Files {
		name := pass.Fset.Position(f.Package).Filename
		if !strings.HasSuffix(name, "_test.go") {
			pkg.Files, pkg.Dir = append(pkg.Files, f), dirOf(name)
		}
	}
	if len(pkg.Files) == 0 {
		return nil, nil
	}
	result := &Result{}
	checkProgram(&program{
		fset: pass.Fset, info: pass.TypesInfo, packages: []*Package{pkg}, result: result,
		closed: pkg.Name == "main" && !slices.ContainsFunc(pass.Pkg.Imports(), usesZeug),
		add:    newTemplates(pass.Fset), muxElsewhere: true,
	})
	result.sort(pass.Fset)
	for _, f := range result.Findings {
		d := analysis.Diagnostic{Pos: f.Pos, End: f.End, Category: string(f.Kind), Message: f.Message}
		if f.Fix != "" && f.End.IsValid() {
			d.SuggestedFixes = []analysis.SuggestedFix{{
				Message:   "Write " + f.Fix,
				TextEdits: []analysis.TextEdit{{Pos: f.Pos, End: f.End, NewText: []byte(f.Fix)}},
			}}
		}
		pass.Report(d)
	}
	return nil, nil
}
