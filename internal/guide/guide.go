// Package guide compares a guide in docs with the examples of a package, which run as tests, so the
// guide's code works.
package guide

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Holds requires that one of the files contains each block of Go in a guide, apart from
// indentation. Rewrite, unless nil, turns the code of an example into the form in which the guide
// shows it.
func Holds(t *testing.T, guide string, rewrite *strings.Replacer, files ...string) {
	t.Helper()
	text, err := os.ReadFile(guide)
	require.NoError(t, err)
	var examples strings.Builder
	for _, name := range files {
		example, err := os.ReadFile(name)
		require.NoError(t, err)
		examples.WriteString(withoutIndents(string(example)))
	}
	has := examples.String()
	if rewrite != nil {
		has = rewrite.Replace(has)
	}
	blocks := strings.Split(string(text), "```go\n")[1:]
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		require.True(t, strings.Contains(has, withoutIndents(code)), "no example has:\n%s", code)
	}
}

// withoutIndents removes the tabs at the start of each line.
func withoutIndents(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}
