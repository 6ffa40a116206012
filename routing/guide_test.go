package routing_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuide holds that the code of docs/routing.md is that of the examples.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/routing.md")
	require.NoError(t, err)
	var examples strings.Builder
	for _, name := range []string{"example_test.go", "example_guide_test.go"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		examples.WriteString(withoutIndents(string(text)))
	}
	blocks := strings.Split(string(guide), "```go\n")[1:]
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		require.True(t, strings.Contains(examples.String(), withoutIndents(code)), "no example has:\n%s", code)
	}
}

// withoutIndents takes the tabs before each line away.
func withoutIndents(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimLeft(lines[i], "\t")
	}
	return strings.Join(lines, "\n")
}
