// Package tutorial checks docs/tutorial.md: its code is that of the programs
// beside this file, and these do what it says.
package tutorial

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// excerpt is the name of a file above a block of its text, as tutorial.md
// writes it.
var excerpt = regexp.MustCompile(`(?m)(?:^\*\[(.+)\]\(tutorial/(.+)\)\*\n\n)?^` + "```" + `([a-z]+)\n((?s:.*?))^` + "```" + `$`)

func TestTheTextShowsWhatIsInTheFiles(t *testing.T) {
	text, err := os.ReadFile("../tutorial.md")
	require.NoError(t, err)
	blocks := excerpt.FindAllStringSubmatch(string(text), -1)
	require.Greater(t, len(blocks), 15)
	for _, block := range blocks {
		name, link, code := block[1], block[2], block[4]
		require.NotEmpty(t, name, "no file is named above:\n%s", code)
		require.Equal(t, name, link)
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		rest := string(source)
		for part := range strings.SplitSeq(code, "…\n") {
			at := strings.Index(rest, part)
			require.GreaterOrEqual(t, at, 0, "%s does not have, or not in this order:\n%s", name, part)
			rest = rest[at+len(part):]
		}
	}
}
