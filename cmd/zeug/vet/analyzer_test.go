package vet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/tools/go/analysis"

	"github.com/zeugkit/zeug/cmd/zeug/vet"
)

// analyze returns what the Analyzer reports about a package of a program with changed files.
func analyze(t *testing.T, path string, changes ...string) (list []analysis.Diagnostic) {
	l, err := programs()
	require.NoError(t, err)
	overlay := map[string][]byte{}
	for i := 0; i+2 < len(changes); i += 3 {
		file, err := filepath.Abs(filepath.Join("testdata", changes[i]))
		require.NoError(t, err)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Contains(t, string(text), changes[i+1])
		overlay[file] = []byte(strings.Replace(string(text), changes[i+1], changes[i+2], 1))
	}
	changed := l.With(overlay)
	for _, p := range changed.Packages {
		if strings.HasSuffix(p.Path, path) {
			_, err := vet.Analyzer.Run(&analysis.Pass{
				Analyzer: vet.Analyzer, Fset: changed.Fset, Files: p.Files, Pkg: p.Types, TypesInfo: changed.Info,
				Report: func(d analysis.Diagnostic) { list = append(list, d) },
			})
			require.NoError(t, err)
		}
	}
	return list
}

func TestAnalyzerOfAWholeProgram(t *testing.T) {
	require.Empty(t, analyze(t, "/site"))
	found := analyze(t, "/site", "site/main.go", `req.URL("list"))`, `req.URL("lits"))`)
	require.Len(t, found, 1)
	require.Equal(t, `no URL for endpoint "lits": did you mean "list"?`, found[0].Message)
	require.Equal(t, `"list"`, string(found[0].SuggestedFixes[0].TextEdits[0].NewText))
}

// TestAnalyzerOfAPart looks at packages whose other half is not seen.
func TestAnalyzerOfAPart(t *testing.T) {
	require.Empty(t, analyze(t, "/parts"))
	require.Empty(t, analyze(t, "/views"))
	require.Empty(t, analyze(t, "/views", "parts/views/views.go", `String("author")`, `String("name")`), "the rule is in another package")
	require.Len(t, analyze(t, "/parts", "parts/main.go", `Build("note.show"`, `Build("note.shwo"`), 1, "the map is known")
	require.Len(t, analyze(t, "/parts", "parts/main.go", `"/by/<slug:author>"`, `"/by/<slug:author"`), 1, "rules need nothing else")
}
