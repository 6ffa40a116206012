package layers_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var requirement = regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`)

// TestEveryDependencyIsExplained wants a row of docs/dependencies.md for each
// module that one of ours requires by itself. The benchmarks' peers are
// explained beside their figures.
func TestEveryDependencyIsExplained(t *testing.T) {
	text, err := os.ReadFile("../../docs/dependencies.md")
	require.NoError(t, err)
	root := os.DirFS("../..")
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (name == "bench" || entry.Name() == "testdata" || len(name) > 1 && strings.HasPrefix(entry.Name(), ".")) {
			return fs.SkipDir
		}
		if entry.Name() != "go.mod" {
			return nil
		}
		module, err := fs.ReadFile(root, name)
		require.NoError(t, err)
		for _, needed := range requirement.FindAllStringSubmatch(string(module), -1) {
			if !strings.HasPrefix(needed[1], "github.com/zeugkit/zeug") && !strings.Contains(string(text), needed[1]) {
				t.Errorf("%s requires %s, of which docs/dependencies.md does not tell", name, needed[1])
			}
		}
		return nil
	})
	require.NoError(t, err)
}
