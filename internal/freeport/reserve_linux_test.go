package freeport_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/internal/freeport"
)

// In 400 of 10,000 random ports, two processes would have about sixteen in common.
func TestAnotherProcessGetsOtherPorts(t *testing.T) {
	const count = 400
	ports, err := freeport.Choose(count)
	require.NoError(t, err)
	if os.Getenv("FREEPORT_TEST") != "" {
		t.Log("ports: " + strings.Join(ports, " "))
		return
	}
	seen := map[string]bool{}
	for _, port := range ports {
		seen[port] = true
	}
	for range 2 {
		other := exec.Command(os.Args[0], "-test.run=^TestAnotherProcessGetsOtherPorts$", "-test.v")
		other.Env = append(os.Environ(), "FREEPORT_TEST=1")
		out, err := other.CombinedOutput()
		require.NoError(t, err, "%s", out)
		_, after, found := strings.Cut(string(out), "ports: ")
		require.True(t, found, "%s", out)
		line, _, _ := strings.Cut(after, "\n")
		theirs := strings.Fields(line)
		require.Len(t, theirs, count)
		for _, port := range theirs {
			require.False(t, seen[port], "both processes have port %s", port)
		}
	}
}
