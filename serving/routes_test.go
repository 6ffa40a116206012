package serving_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRunReturnsWhenItHasListedTheRules starts a program as "zeug routes" does: Run must return,
// because the code after it in a main function has to run.
func TestRunReturnsWhenItHasListedTheRules(t *testing.T) {
	executable, err := os.Executable()
	require.NoError(t, err)
	list := filepath.Join(t.TempDir(), "routes")
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), "TEST_SERVE_AT=127.0.0.1:0", "TEST_RUN=1", "ZEUG_ROUTES="+list)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Run(), out.String())
	require.Equal(t, "after Run: 0\n", out.String())
	require.FileExists(t, list)
}
