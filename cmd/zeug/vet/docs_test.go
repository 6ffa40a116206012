package vet_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the messages into docs/vet.md")

// TestDocumentation checks that docs/vet.md shows each message of the tests.
func TestDocumentation(t *testing.T) {
	const page = "../../../docs/vet.md"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, _, ok := strings.Cut(string(text), "\n### Rules\n")
	require.True(t, ok)
	var b strings.Builder
	for _, section := range []struct{ kind, title string }{
		{"rules", "Rules"}, {"urls", "URLs"}, {"params", "Variables that a view reads"}, {"mux", "Variables of gorilla/mux"},
		{"templates", "Templates"},
		{"static", "Static files and embedded folders"}, {"responses", "Responses"},
	} {
		fmt.Fprintf(&b, "\n### %s\n\n", section.title)
		for _, m := range mistakes[section.kind] {
			fmt.Fprintf(&b, "    %s  →  %s\n", strings.TrimSpace(m.old), strings.TrimSpace(m.changed))
			for _, message := range m.want {
				fmt.Fprintf(&b, "        %s\n", message)
			}
			b.WriteString("\n")
		}
	}
	want := before + strings.TrimRight(b.String(), "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(text), "go test -run TestDocumentation -update writes it again")
}
