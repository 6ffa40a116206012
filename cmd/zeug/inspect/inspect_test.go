package inspect_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

// TestMain lets the test's own executable be the reader of cores.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "inspect-core" {
		if err := inspect.Serve(os.Args[2], os.Args[3], os.Stdin, os.Stdout); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// crashing builds a program, lets it panic, and returns it with its core and
// the goroutine.
func crashing(t *testing.T, flags ...string) (program, core string, goroutine int64) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("cores are available only on Linux")
	}
	dir := t.TempDir()
	program, core = filepath.Join(dir, "crash"), filepath.Join(dir, "core")
	build := exec.Command("go", append(append([]string{"build", "-o", program}, flags...), "./internal/crash")...)
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	run := exec.Command(program, core)
	run.Stderr = os.Stderr
	out, err = run.Output()
	require.NoError(t, err)
	var size int64
	_, err = fmt.Sscan(string(out), &size, &goroutine)
	require.NoError(t, err)
	return program, core, goroutine
}

// crash is an open core, and the goroutine that panicked.
type crash struct {
	*inspect.Core
	goroutine int64
}

func (c crash) at(frame int) inspect.Place {
	return inspect.Place{Goroutine: c.goroutine, Frame: frame}
}

func crashed(t *testing.T, flags ...string) crash {
	t.Helper()
	program, core, goroutine := crashing(t, flags...)
	c, err := inspect.Open(program, core)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return crash{c, goroutine}
}

const unoptimized = "-gcflags=github.com/zeugkit/zeug/...=-N -l"

func index(t *testing.T, c crash, function string) inspect.Place {
	t.Helper()
	frames, err := c.Frames(c.goroutine)
	require.NoError(t, err)
	for i, f := range frames {
		if strings.Contains(f.Function, function) {
			return c.at(i)
		}
	}
	t.Fatalf("no frame of %s", function)
	return inspect.Place{}
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
	frames, err := c.Frames(c.goroutine)
	require.NoError(t, err)
	require.Contains(t, frames[0].Function, "main.total")
	require.Equal(t, "main.go", filepath.Base(frames[0].File))
	require.False(t, frames[0].Optimized)

	list, err := c.Variables(c.at(0))
	require.NoError(t, err)
	require.Equal(t, "3", variable(t, list, "i").Value)
	require.Equal(t, `"/checkout"`, variable(t, list, "path").Value)
	require.True(t, variable(t, list, "path").Argument)
	require.Equal(t, "[]main.item", variable(t, list, "list").Type, "a type parameter is shown as its type")

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

// The type stands beside the value, so the value does not repeat it.
func TestTypesAreShownOnce(t *testing.T) {
	c := crashed(t, unoptimized)
	handle := index(t, c, "main.handle")
	for expression, want := range map[string]string{
		"nilp":            "nil",
		"nilmap":          "nil",
		"items[1]":        `{Name: "ink", Price: 5}`,
		"items[:1]":       `[{Name: "pen", Price: 2}]`,
		"who.Tags":        `["new": 2, "vip": 1]`,
		"target":          `"/checkout?cart=7"`,
		"anything":        `(main.user) {base: `,
		"r.URL.User":      "nil",
		"r.Header":        "[]",
		"float64(served)": "42",
		"who.Boss.Tags":   `["new": 2, "vip": 1]`,
		"main.errGone":    `(*errors.errorString) "gone"`,
	} {
		t.Run(expression, func(t *testing.T) {
			v, err := c.Eval(handle, expression)
			require.NoError(t, err)
			require.NotEmpty(t, v.Type)
			require.Truef(t, strings.HasPrefix(v.Value, want), "%q does not begin with %q", v.Value, want)
			require.NotContains(t, v.Value, v.Type+" ")
		})
	}
}

// Only the core has the value of a panic that a newer one has replaced. Parameters and results
// without a name have none.
func TestAPanicDuringAPanic(t *testing.T) {
	t.Setenv("CRASH_TWICE", "yes")
	c := crashed(t, unoptimized)
	twice, err := c.Variables(index(t, c, "main.twice"))
	require.NoError(t, err)
	require.Equal(t, inspect.Variable{Name: "panic", Type: "interface {}"}, inspect.Variable{Name: twice[0].Name, Type: twice[0].Type})
	require.Contains(t, twice[0].Value, `(*fmt.wrapError) "again: gone" ← (*errors.errorString) "gone"`)
	unnamed := map[string]string{}
	for _, v := range twice[1:] {
		require.NotContains(t, v.Name, "~")
		if v.Name == "" {
			unnamed[v.Type] = v.Value
		}
	}
	require.Equal(t, map[string]string{"int": "3", "string": `""`}, unnamed)

	total, err := c.Variables(index(t, c, "main.total"))
	require.NoError(t, err)
	require.Equal(t, "panic", total[0].Name)
	require.Contains(t, total[0].Value, "boundsError")
	again, err := c.Variables(index(t, c, "main.again"))
	require.NoError(t, err)
	require.NotEqual(t, "panic", again[0].Name, "it called what panicked")
}

func TestEval(t *testing.T) {
	c := crashed(t, unoptimized)
	handle := index(t, c, "main.handle")
	for expression, want := range map[string]string{
		"len(items)":                  "3",
		"items[2].Price*3":            "33",
		`who.Name + "!"`:              `"Ann!"`,
		"who.base.ID":                 "7",
		"who.ID":                      "7",
		`who.Tags["vip"]`:             "1",
		"r.URL.Path":                  `"/checkout"`,
		"r.URL.RawQuery":              `"cart=7"`,
		"main.served":                 "42",
		"items[1].Price > 4":          "true",
		"uint8(255)":                  "255",
		"cap(big) - 1":                "999",
		"anything.(main.user).ID":     "7",
		"anything.Name":               `"Ann"`,
		"who.Boss.Boss.Name":          `"Ann"`,
		"nilp == nil":                 "true",
		"len(nilmap)":                 "0",
		"target[1:9]":                 `"checkout"`,
		"min(3, len(big))":            "3",
		"float64(items[0].Price) / 4": "0.5",
		`x == "inner" && !false`:      "true",
		"strings.ToUpper(target[:4])": `"/CHE"`,
		`r.Header.Get("Accept")`:      `""`,
		"r.URL.Query().Get(\"cart\")": `"7"`,
		"main.errGone.Error()":        `"gone"`,
		"^uint8(served)":              "213",
	} {
		t.Run(expression, func(t *testing.T) {
			v, err := c.Eval(handle, expression)
			require.NoError(t, err)
			require.Equal(t, want, v.Value)
		})
	}
	for expression, want := range map[string]string{
		`who.Tags["none"]`:               "the map has no such key",
		`r.Header["none"]`:               "the map has no such key",
		`nilmap["none"]`:                 "the map has no such key",
		"items[9]":                       "index out of range: items has 3 items",
		"items[-1]":                      "index out of range",
		"items[2:1]":                     "index out of range",
		"items[5:]":                      "index out of range: items has 3 items",
		"nilslice[0]":                    "nilslice is nil",
		"nobody":                         "there is no nobody in this frame",
		"itmes":                          "did you mean items?",
		"item":                           "did you mean items?",
		"who.Nam":                        "who has no field Nam; did you mean Name?",
		"who.name":                       "did you mean Name?",
		"who.Nothing":                    "has no field Nothing",
		"who.Tags.vip":                   "who.Tags, of type map[string]int, has no field vip",
		"main.serve":                     "package main has no variable serve; did you mean main.served?",
		"wo.Name":                        "no wo in this frame, and no package wo that has a variable Name; did you mean who?",
		"nilp.Name":                      "nil pointer dereference: nilp is nil",
		"*nilp":                          "nil pointer dereference",
		"1/0":                            "division by zero",
		"items[0].Price%0":               "division by zero",
		"who.hello()":                    "functions cannot be called here, and who.hello is one",
		"hello()":                        "functions cannot be called here, and hello is one",
		"strings.Map(nil, target)":       "functions cannot be called here, and what strings.Map returns is not known",
		`r.Header.Add("A", "b")`:         "functions cannot be called here, and Add is one",
		`strings.Repeat(target, 100000)`: "the result of strings.Repeat is too long",
		`strings.Repeat(target, -1)`:     "strings.Repeat panics: strings: negative Repeat count",
		"append(items, items[0])":        "functions cannot be called here, and append is one",
		"make([]int, 3)":                 "functions cannot be called here, and make is one",
		"[]int{1}":                       "values cannot be made here",
		"func() int { return 1 }":        "values cannot be made here",
		"anything.(user)":                "types are named with their package",
		"anything.(int)":                 "interface {} is main.user, not int",
		"items[0].Name + 1":              "1 is not a string",
		"1 +":                            "at column 4: expected operand, found the end",
		"a b":                            "at column 3",
		"":                               "no expression",
		"x = 3":                          "only expressions can be evaluated",
		"x++":                            "only expressions can be evaluated",
		"for {}":                         "only expressions can be evaluated",
		"len(5)":                         "invalid argument 5",
	} {
		t.Run("refused: "+expression, func(t *testing.T) {
			_, err := c.Eval(handle, expression)
			require.ErrorContains(t, err, want)
		})
	}
	_, err := c.Eval(c.at(10_000), "x")
	require.ErrorIs(t, err, inspect.ErrNoFrame)
}

func TestComplete(t *testing.T) {
	c := crashed(t, unoptimized)
	handle := index(t, c, "main.handle")
	for typed, want := range map[string][]string{
		"it":              {"items"},
		"who.Na":          {"Name"},
		"who.":            {"Boss", "ID", "Name", "Tags", "base", "hello"},
		"main.ser":        {"served"},
		"serv":            {"served"},
		"len(ite":         {"items"},
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
	list, err := c.Globals(index(t, c, "main.handle"), 0)
	require.NoError(t, err)
	require.Equal(t, "main", list.Package)
	require.Equal(t, "42", variable(t, list.Variables, "served").Value)
	require.Equal(t, list.Total, len(list.Variables))
	more, err := c.Globals(index(t, c, "main.handle"), list.Total)
	require.NoError(t, err)
	require.Empty(t, more.Variables)
}

func TestOptimizedFramesHaveNoVariables(t *testing.T) {
	c := crashed(t)
	_, err := c.Variables(c.at(0))
	require.ErrorIs(t, err, inspect.ErrOptimized)
	_, err = c.Eval(c.at(0), "1")
	require.ErrorIs(t, err, inspect.ErrOptimized)
}

// damaged holds invalid cores, each made from a valid one.
var damaged = map[string]func([]byte) []byte{
	"empty":                   func([]byte) []byte { return nil },
	"a few bytes":             func([]byte) []byte { return []byte("\x7fELF no") },
	"the header alone":        func(b []byte) []byte { return b[:64] },
	"cut within the headers":  func(b []byte) []byte { return b[:600] },
	"cut within the memory":   func(b []byte) []byte { return b[:len(b)/2] },
	"all of it the same byte": func(b []byte) []byte { return bytes.Repeat([]byte{0xff}, len(b)) },
	"memory of zeroes":        func(b []byte) []byte { clear(b[8192:]); return b },
	"memory of the same byte": func(b []byte) []byte { copy(b[8192:], bytes.Repeat([]byte{0xa5}, len(b))); return b },
	"memory in disorder": func(b []byte) []byte {
		rand.New(rand.NewPCG(1, 2)).Shuffle((len(b)-8192)/8, func(i, j int) {
			x, y := b[8192+8*i:][:8], b[8192+8*j:][:8]
			for k := range 8 {
				x[k], y[k] = y[k], x[k]
			}
		})
		return b
	},
	"headers that promise much": func(b []byte) []byte { binary.LittleEndian.PutUint64(b[64+56+32:], 1<<60); return b },
}

// TestDamagedCores requires an answer in time, and a reader that keeps working.
func TestDamagedCores(t *testing.T) {
	program, core, goroutine := crashing(t, unoptimized)
	whole, err := os.ReadFile(core)
	require.NoError(t, err)
	for name, damage := range damaged {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "core")
			require.NoError(t, os.WriteFile(file, damage(bytes.Clone(whole)), 0o600))
			c := inspect.Client{Command: []string{os.Args[0], "inspect-core"}, Program: program, File: file, Timeout: time.Second}
			defer c.Close()
			began := time.Now()
			var frames []inspect.Frame
			err := c.Ask(inspect.Question{Ask: "frames", Place: inspect.Place{Goroutine: goroutine}}, &frames)
			for frame := range frames {
				var list []inspect.Variable
				_ = c.Ask(inspect.Question{Ask: "variables", Place: inspect.Place{Goroutine: goroutine, Frame: frame}}, &list)
			}
			t.Logf("%d frames in %v: %v", len(frames), time.Since(began), err)
			require.Less(t, time.Since(began), 3*time.Minute)
		})
	}
}

func TestClient(t *testing.T) {
	program, core, goroutine := crashing(t, unoptimized)
	frames := inspect.Question{Ask: "frames", Place: inspect.Place{Goroutine: goroutine}}
	ask := func(c *inspect.Client, q inspect.Question) ([]inspect.Frame, error) {
		var list []inspect.Frame
		err := c.Ask(q, &list)
		return list, err
	}
	t.Run("answers again when its process was killed", func(t *testing.T) {
		c := &inspect.Client{Command: []string{os.Args[0], "inspect-core"}, Program: program, File: core}
		defer c.Close()
		list, err := ask(c, frames)
		require.NoError(t, err)
		require.Contains(t, list[0].Function, "main.total")
		c.Rest()
		list, err = ask(c, frames)
		require.NoError(t, err)
		require.Contains(t, list[0].Function, "main.total")
		_, err = ask(c, inspect.Question{Ask: "shell"})
		require.EqualError(t, err, `there is no question "shell"`)
	})
	for name, command := range map[string][]string{
		"one that is not there": {filepath.Join(t.TempDir(), "none")},
		"one that ends":         {"false"},
		"one that hangs":        {"sh", "-c", "sleep 60"},
		"one that talks":        {"yes"},
		"one that is killed":    {"sh", "-c", "kill -9 $$"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			c := &inspect.Client{Command: command, Program: program, File: core, Timeout: 50 * time.Millisecond}
			defer c.Close()
			for range 2 {
				_, err := ask(c, frames)
				require.ErrorIs(t, err, inspect.ErrNoAnswer)
			}
		})
	}
	t.Run("refused: after its end", func(t *testing.T) {
		c := &inspect.Client{Command: []string{os.Args[0], "inspect-core"}, Program: program, File: core}
		c.Close()
		_, err := ask(c, frames)
		require.ErrorIs(t, err, inspect.ErrNoAnswer)
	})
}

func TestProgramsWithoutDebugInformation(t *testing.T) {
	for _, flag := range []string{"-ldflags=-s -w", "-ldflags=-w"} {
		program, core, _ := crashing(t, unoptimized, flag)
		_, err := inspect.Open(program, core)
		require.ErrorIs(t, err, inspect.ErrStripped, flag)
	}
}

// TestBuilds requires the same values however a program was built.
func TestBuilds(t *testing.T) {
	for name, flags := range map[string][]string{
		"position independent": {"-buildmode=pie"},
		"without paths":        {"-trimpath"},
		"race detector":        {"-race"},
		"links with C":         {"-tags=withc"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "race detector" || name == "links with C" {
				if _, err := exec.LookPath("gcc"); err != nil {
					t.Skip("wants gcc")
				}
			}
			c := crashed(t, append([]string{unoptimized}, flags...)...)
			handle := index(t, c, "main.handle")
			for expression, want := range map[string]string{"items[2].Price*3": "33", "r.URL.Path": `"/checkout"`, "main.served": "42", `who.Tags["vip"]`: "1"} {
				v, err := c.Eval(handle, expression)
				require.NoError(t, err)
				require.Equal(t, want, v.Value)
			}
		})
	}
}
