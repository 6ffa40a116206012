package inspect_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

// crashed builds a program, lets it panic, and opens its core.
func crashed(t *testing.T, flags ...string) *inspect.Core {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("cores are had on Linux alone")
	}
	dir := t.TempDir()
	program, core := filepath.Join(dir, "crash"), filepath.Join(dir, "core")
	build := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), "./internal/crash")...)
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	run := exec.Command(program, core)
	run.Stderr = os.Stderr
	out, err = run.Output()
	require.NoError(t, err)
	var size, id int64
	_, err = fmt.Sscan(string(out), &size, &id)
	require.NoError(t, err)
	c, err := inspect.Open(program, core, id)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

const unoptimized = "-gcflags=github.com/zeugkit/zeug/...=-N -l"

func index(t *testing.T, c *inspect.Core, function string) int {
	t.Helper()
	for i, f := range c.Frames() {
		if strings.Contains(f.Function, function) {
			return i
		}
	}
	t.Fatalf("no frame of %s", function)
	return 0
}

func variable(t *testing.T, list []inspect.Variable, name string) inspect.Variable {
	t.Helper()
	for _, v := range list {
		if v.Name == name && !v.Shadowed {
			return v
		}
	}
	t.Fatalf("no variable %s in %v", name, list)
	return inspect.Variable{}
}

func TestFramesAndVariables(t *testing.T) {
	c := crashed(t, unoptimized)
	frames := c.Frames()
	require.Contains(t, frames[0].Function, "main.total")
	require.Equal(t, "main.go", filepath.Base(frames[0].File))
	require.False(t, frames[0].Optimized)

	list, err := c.Variables(0)
	require.NoError(t, err)
	require.Equal(t, "3", variable(t, list, "i").Value)
	require.Equal(t, `"/checkout"`, variable(t, list, "path").Value)
	require.True(t, variable(t, list, "path").Argument)

	handle := index(t, c, "main.handle")
	list, err = c.Variables(handle)
	require.NoError(t, err)
	require.Equal(t, `"inner"`, variable(t, list, "x").Value)
	shadowed := 0
	for _, v := range list {
		if v.Shadowed && v.Name == "x" {
			shadowed++
			require.Equal(t, "1", v.Value)
		}
	}
	require.Equal(t, 1, shadowed, "the outer x is listed too")

	who := variable(t, list, "who")
	require.NotEmpty(t, who.Expr)
	inside, err := c.Expand(handle, who.Expr, 0)
	require.NoError(t, err)
	require.Equal(t, `"Ann"`, variable(t, inside.Children, "Name").Value)
	tags, err := c.Expand(handle, variable(t, inside.Children, "Tags").Expr, 0)
	require.NoError(t, err)
	require.Len(t, tags.Children, 2)
	boss, err := c.Expand(handle, variable(t, inside.Children, "Boss").Expr, 0)
	require.NoError(t, err)
	require.Equal(t, `"Ann"`, variable(t, boss.Children, "Name").Value, "a circle opens a level at a time")

	big := variable(t, list, "big")
	require.EqualValues(t, 1000, big.Length)
	first, err := c.Expand(handle, big.Expr, 0)
	require.NoError(t, err)
	require.Len(t, first.Children, 32)
	more, err := c.Expand(handle, big.Expr, 990)
	require.NoError(t, err)
	require.Len(t, more.Children, 10)
	require.Equal(t, "[999]", more.Children[9].Name)
	require.Equal(t, "998001", more.Children[9].Value)
}

func TestEval(t *testing.T) {
	c := crashed(t, unoptimized)
	handle := index(t, c, "main.handle")
	for expression, want := range map[string]string{
		"len(items)":         "3",
		"items[2].Price*3":   "33",
		`who.Name + "!"`:     `"Ann!"`,
		"who.base.ID":        "7",
		"who.ID":             "7",
		`who.Tags["vip"]`:    "1",
		"r.URL.Path":         `"/checkout"`,
		"r.URL.RawQuery":     `"cart=7"`,
		"main.served":        "42",
		"items[1].Price > 4": "true",
		"uint8(255)":         "255",
		"cap(big) - 1":       "999",
	} {
		t.Run(expression, func(t *testing.T) {
			v, err := c.Eval(handle, expression)
			require.NoError(t, err)
			require.Equal(t, want, v.Value)
		})
	}
	for expression, want := range map[string]string{
		`who.Tags["none"]`: "key not found",
		"items[9]":         "out of bounds",
		"nobody":           "there is no nobody in this frame",
		"who.hello()":      "functions cannot be called here",
		"who.Nothing":      "Nothing",
		"1 +":              "expected operand",
		"":                 "no expression",
		"x = 3":            "",
	} {
		t.Run("refused: "+expression, func(t *testing.T) {
			_, err := c.Eval(handle, expression)
			require.ErrorContains(t, err, want)
		})
	}
	_, err := c.Eval(10_000, "x")
	require.ErrorIs(t, err, inspect.ErrNoFrame)
}

func TestComplete(t *testing.T) {
	c := crashed(t, unoptimized)
	handle := index(t, c, "main.handle")
	for typed, want := range map[string][]string{
		"it":              {"items"},
		"who.Na":          {"Name"},
		"who.":            {"Boss", "Name", "Tags", "base", "hello"},
		"1 + r.URL.RawQ":  {"RawQuery"},
		"items[0].":       {"Name", "Price"},
		"who.Boss.Boss.T": {"Tags"},
		"le":              {"len("},
	} {
		names, err := c.Complete(handle, typed)
		require.NoError(t, err)
		require.Equal(t, want, names, typed)
	}
}

func TestGlobals(t *testing.T) {
	c := crashed(t, unoptimized)
	list, err := c.Globals("main.")
	require.NoError(t, err)
	require.Equal(t, "42", variable(t, list, "main.served").Value)
}

func TestOptimizedFramesHaveNoVariables(t *testing.T) {
	c := crashed(t)
	_, err := c.Variables(0)
	require.ErrorIs(t, err, inspect.ErrOptimized)
	_, err = c.Eval(0, "1")
	require.ErrorIs(t, err, inspect.ErrOptimized)
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	core := filepath.Join(dir, "core")
	require.NoError(t, os.WriteFile(core, []byte("\x7fELF no"), 0o600))
	program, err := os.Executable()
	require.NoError(t, err)
	_, err = inspect.Open(program, core, 1)
	require.Error(t, err)
	_, err = inspect.Open(program, filepath.Join(dir, "none"), 1)
	require.Error(t, err)
}
