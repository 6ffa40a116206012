package inspect_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

// A pointer to a stack that the runtime has moved since shows what it led to, not what is there now.
func TestPointersToALeftStackAreCorrected(t *testing.T) {
	t.Run("here", func(t *testing.T) {
		if runtime.GOOS != "linux" {
			t.Skip("cores are available only on Linux")
		}
		dir := t.TempDir()
		program, core := filepath.Join(dir, "moved"), filepath.Join(dir, "core")
		out, err := exec.Command("go", "build", "-o", program, unoptimized, "./internal/moved").CombinedOutput()
		require.NoError(t, err, string(out))
		run := exec.Command(program, core)
		run.Stderr = os.Stderr
		out, err = run.Output()
		require.NoError(t, err)
		leftStack(t, program, core, out)
	})
	t.Run("arm64", func(t *testing.T) {
		program, core, out := onArm64(t, "./internal/moved")
		leftStack(t, program, core, out)
	})
}

func leftStack(t *testing.T, program, core string, out []byte) {
	t.Helper()
	var goroutine int64
	_, err := fmt.Sscan(string(out), &goroutine)
	require.NoError(t, err)
	opened, err := inspect.Open(program, core)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	c := crash{opened, goroutine}
	frame := index(t, c, "main.frame")
	for expression, want := range map[string]string{
		"numbers": "[1, 2, 42, 4]", "where": "{x: 43, y: 6}", "heap": "&{x: 7, y: 0}", "numbers[2]": "42", "heap.x": "7", "where.sum()": "49",
		"list": "[2, 42, 4]", "pointer": "&{x: 43, y: 6}", "list[1]": "42", "pointer.x": "43", "pointer.x+1": "44", "pointer.sum()": "49",
	} {
		v, err := c.Eval(frame, expression)
		require.NoError(t, err, expression)
		require.Equal(t, want, v.Value, expression)
	}
}
