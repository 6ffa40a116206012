// Package layers holds the import policy of the module as a test: a package
// imports only those below it.
package layers_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// policy lists the layers from top to bottom, one on each line. A package imports only packages of
// lower lines; packages on one line do not import each other. A name ending in "/..." stands for
// everything below it.
const policy = `
examples/... cmd/... bench/... docs/... internal/conformance/... internal/layers
zeug
serving/...
internal/reload
middleware/...
templates staticfiles/... webtest/...
routing/gorillamux
wrappers routing sessions/...
datastructures security internal/peer
gateway/...
httperror urls timeline
internal/...
`

// exceptions are imports between siblings, each with its reason.
var exceptions = map[string]string{}

const module = "github.com/zeugkit/zeug/"

func TestNoImportClimbs(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}:{{range .Imports}} {{.}}{{end}}", module+"...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		from, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		from, ok := relative(from)
		if !ok {
			continue
		}
		at, group := layer(from)
		if !lacksNothing(t, at, from) {
			continue
		}
		for to := range strings.FieldsSeq(imports) {
			to, ok := relative(to)
			if !ok {
				continue
			}
			below, other := layer(to)
			if !lacksNothing(t, below, to) || exceptions[from+" -> "+to] != "" {
				continue
			}
			// Packages of one "/..." group may import each other.
			if below > at || group == other && strings.HasSuffix(group, "/...") {
				continue
			}
			t.Errorf("%s imports %s, which is not below it", from, to)
		}
	}
}

// relative returns a package's path below the module, "zeug" for the package of the module itself.
func relative(pkg string) (string, bool) {
	if pkg == strings.TrimSuffix(module, "/") {
		return "zeug", true
	}
	return strings.CutPrefix(pkg, module)
}

func lacksNothing(t *testing.T, layer int, pkg string) bool {
	if layer < 0 {
		t.Errorf("package %s stands in no layer: add it to the policy", pkg)
	}
	return layer >= 0
}

// layer returns the line of pkg in the policy, and the entry that named it.
func layer(pkg string) (int, string) {
	found, entry := -1, ""
	for i, line := range strings.Split(strings.TrimSpace(policy), "\n") {
		for name := range strings.FieldsSeq(line) {
			prefix, below := strings.CutSuffix(name, "/...")
			if pkg != prefix && !(below && strings.HasPrefix(pkg, prefix+"/")) {
				continue
			}
			// The longest name counts: internal/layers before internal/...
			if len(name) > len(entry) {
				found, entry = i, name
			}
		}
	}
	return found, entry
}
