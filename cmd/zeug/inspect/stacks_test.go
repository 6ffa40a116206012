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

// A pointer to a stack that the runtime has moved since must not show what is there.
func TestPointersToALeftStackAreNotFollowed(t *testing.T) {
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
	for expression, want := range map[string]string{"numbers": "[1, 2, 42, 4]", "where": "{x: 43, y: 6}", "heap": "&{x: 7, y: 0}", "numbers[2]": "42", "heap.x": "7"} {
		v, err := c.Eval(frame, expression)
		require.NoError(t, err, expression)
		require.Equal(t, want, v.Value, expression)
	}
	list, err := c.Variables(frame)
	require.NoError(t, err)
	for name, want := range map[string]string{"list": "(unreadable: " + left + ")", "pointer": "&(unreadable: " + left + ")"} {
		require.Equal(t, want, variable(t, list, name).Value, name)
	}
	for _, expression := range []string{"list[1]", "pointer.x"} {
		v, err := c.Eval(frame, expression)
		require.NoError(t, err, expression)
		require.Equal(t, left, v.Unreadable, expression)
	}
	for _, expression := range []string{"pointer.x+1", "pointer.sum()"} {
		v, err := c.Eval(frame, expression)
		require.Error(t, err, "%s is %s", expression, v.Value)
	}
	v, err := c.Eval(frame, "where.sum()")
	require.NoError(t, err)
	require.Equal(t, "49", v.Value)
}

const left = "it leads to a place that the stack has left, since no later line uses the variable"
