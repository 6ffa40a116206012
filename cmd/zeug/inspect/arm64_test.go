package inspect_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

// onArm64 builds a program for arm64, and runs it in QEMU. It returns the program, its core, and what it printed.
func onArm64(t *testing.T, pkg string) (program, core string, out []byte) {
	t.Helper()
	qemu, err := exec.LookPath("qemu-aarch64")
	if err != nil {
		t.Skip("needs qemu-aarch64, of the Debian package qemu-user")
	}
	dir := t.TempDir()
	program, core = filepath.Join(dir, "program"), filepath.Join(dir, "core")
	build := exec.Command("go", "build", "-trimpath=false", "-o", program, unoptimized, pkg)
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	out, err = build.CombinedOutput()
	require.NoError(t, err, string(out))
	run := exec.Command(qemu, program, core)
	run.Stderr = os.Stderr
	out, err = run.Output()
	require.NoError(t, err)
	return program, core, out
}

// A core of a server with arm64 is read on a machine of another kind.
func TestACoreOfArm64(t *testing.T) {
	program, core, out := onArm64(t, "./internal/crash")
	var size, goroutine int64
	_, err := fmt.Sscan(string(out), &size, &goroutine)
	require.NoError(t, err)
	opened, err := inspect.Open(program, core)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	c := crash{opened, goroutine}
	frames, err := c.Frames(goroutine)
	require.NoError(t, err)
	require.Contains(t, frames[0].Function, "main.total")
	require.Equal(t, "main.go", filepath.Base(frames[0].File))
	list, err := c.Variables(c.at(0))
	require.NoError(t, err)
	require.Equal(t, "3", variable(t, list, "i").Value)
	require.Equal(t, `"/checkout"`, variable(t, list, "path").Value)
	handle := index(t, c, "main.handle")
	for expression, want := range map[string]string{
		"items":            `[{Name: "pen", Price: 2}, {Name: "ink", Price: 5}, {Name: "paper", Price: 11}]`,
		"items[2].Price*3": "33", `who.Tags["vip"]`: "1", "who.Boss.Boss.ID": "7", "r.URL.String()": `"/checkout?cart=7"`,
	} {
		v, err := c.Eval(handle, expression)
		require.NoError(t, err, expression)
		require.Equal(t, want, v.Value, expression)
	}
}

// The console computes with a core of arm64 as the program would there.
func TestCallsInACoreOfArm64(t *testing.T) {
	program, core, out := onArm64(t, "./internal/calls")
	var told toldCalls
	require.NoError(t, json.Unmarshal(out, &told))
	opened, err := inspect.Open(program, core)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	c := crash{opened, told.Goroutine}
	frame := index(t, c, "main.frame")
	for expression, want := range map[string]string{"b.Title()": `"PEN É!"`, "b.Area()+1": "43", "c.Line()": `"pen é=6é\xff, inner=-3é\xff, wide=40é\xff!"`, "b.Half() * 2": "0.1"} {
		v, err := c.Eval(frame, expression)
		require.NoError(t, err, expression)
		require.Equal(t, want, v.Value, expression)
	}
	_, err = c.Eval(frame, "b.Half()*f + g") // one rounding on arm64, and two on amd64
	require.ErrorContains(t, err, "in another precision")
}
