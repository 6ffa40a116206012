package webtest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGuide holds that the code of docs/testing.md is that of the examples.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/testing.md")
	require.NoError(t, err)
	examples, err := os.ReadFile("example_guide_test.go")
	require.NoError(t, err)
	unindented := func(text string) string {
		lines := strings.Split(text, "\n")
		for i := range lines {
			lines[i] = strings.TrimLeft(lines[i], "\t")
		}
		return strings.Join(lines, "\n")
	}
	// In a test the client has a t.
	has := strings.NewReplacer("webtest.New(nil, shop)", "webtest.New(t, shop)", "webtest.Live(nil, ", "webtest.Live(t, ", "(nil, shop, ", "(t, shop, ",
		" // in a test: webtest.New(t, shop)", "").Replace(unindented(string(examples)))
	blocks := strings.Split(string(guide), "```go\n")[1:]
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		code, _, closed := strings.Cut(block, "```")
		require.True(t, closed)
		require.True(t, strings.Contains(has, unindented(code)), "no example has:\n%s", code)
	}
}
