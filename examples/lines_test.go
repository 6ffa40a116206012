// Package examples_test limits the size of the examples.
package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExamplesStayShort counts the lines of Go without blank lines and comments.
func TestExamplesStayShort(t *testing.T) {
	for dir, most := range map[string]int{"hello": 15, "todo": 90, "guestbook": 110} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		lines := 0
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			for line := range strings.Lines(string(text)) {
				line = strings.TrimSpace(line)
				if line != "" && !strings.HasPrefix(line, "//") {
					lines++
				}
			}
		}
		require.LessOrEqual(t, lines, most, "examples/%s has %d lines of code", dir, lines)
	}
}
