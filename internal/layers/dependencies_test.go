package layers_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var requirement = regexp.MustCompile(`(?m)^\s*(?:require )?([a-z0-9.-]+\.[a-z]+/\S+) v\S+$`)

// TestEveryDependencyIsExplained requires a row in docs/dependencies.md for
// each module that one of our modules requires directly. The benchmarks' peers
// are explained next to their results.
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

// TestOnlyTheBridgeLinksMux checks that a program links gorilla/mux only if it imports
// routing/gorillamux.
func TestOnlyTheBridgeLinksMux(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", module+"routing", module+"templates", module+"serving", module+"wrappers").Output()
	require.NoError(t, err)
	require.Contains(t, string(out), module+"routing\n")
	require.NotContains(t, string(out), "gorilla/mux")
}

// TestServingLinksNoToolsOfDevelopment checks that a program has the debugger, the writer of cores
// and the reloader only if it imports serving/dev.
func TestServingLinksNoToolsOfDevelopment(t *testing.T) {
	list := func(pkg string) string {
		out, err := exec.Command("go", "list", "-deps", module+pkg).Output()
		require.NoError(t, err)
		return string(out)
	}
	production := list("serving") + list("examples/hello") + list("timeline")
	development := list("serving/dev")
	for _, tool := range []string{module + "middleware/debugger", module + "internal/corefile", module + "internal/reload", "github.com/fsnotify/fsnotify"} {
		require.NotContains(t, production, tool+"\n")
		require.Contains(t, development, tool+"\n")
	}
	cores := list("middleware/postmortem")
	require.Contains(t, cores, module+"internal/corefile\n")
	require.NotContains(t, cores, module+"middleware/debugger\n", "it is for production")
	require.NotContains(t, cores, module+"internal/reload\n")
}

// TestTheProgramForProductionIsSmall builds an example as for production, and checks its size.
func TestTheProgramForProductionIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	name := filepath.Join(t.TempDir(), "hello")
	build := func(flags ...string) {
		out, err := exec.Command("go", append(append([]string{"build", "-trimpath", "-o", name}, flags...), module+"examples/hello")...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	build()
	symbols, err := exec.Command("go", "tool", "nm", name).Output()
	require.NoError(t, err)
	require.Contains(t, string(symbols), module+"serving.Main")
	for _, tool := range []string{"middleware/debugger", "internal/corefile", "internal/reload", "serving/dev", "internal/recording/recordingtest"} {
		require.NotContains(t, string(symbols), module+tool)
	}
	require.NotContains(t, string(symbols), "runtime/trace.Start", "nothing profiles a request")
	build("-ldflags=-s -w")
	info, err := os.Stat(name)
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(12_000_000), "stripped; with symbols and debugging information it is half as much again")
}
