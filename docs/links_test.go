package docs_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	code = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]+`")
)

// pages returns the paths of the documents.
func pages(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	require.NoError(t, err)
	return append(names, "../README.md", "../CONTRIBUTING.md", "../CHANGELOG.md")
}

func TestEachLinkLeadsToAFileAndAHeading(t *testing.T) {
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(string(text), "code"), -1) {
			u, err := url.Parse(m[1])
			require.NoError(t, err)
			if u.Scheme != "" {
				continue
			}
			target := page
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(page), filepath.FromSlash(u.Path))
			}
			require.True(t, exists(target), "%s links to %s, which is not there", page, m[1])
			if u.Fragment != "" {
				require.Contains(t, anchors(t, target), u.Fragment, "%s links to %s", page, m[1])
			}
		}
	}
}

func TestTheMapHasEachGuide(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for _, page := range pages(t) {
		if page != "README.md" {
			require.Contains(t, string(text), "]("+filepath.ToSlash(page)+")", "docs/README.md does not list it")
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// anchors returns the fragments that GitHub gives the headings of a page.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(text), -1) {
		heading := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		list = append(list, strings.ReplaceAll(heading, " ", "-"))
	}
	return list
}
