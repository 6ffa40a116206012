package inspect_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/inspect"
)

// generator makes expressions with calls that compile in the function frame of internal/calls.
type generator struct{ *rand.Rand }

// leaves maps a type to variables of this type in the function frame.
var leaves = map[string][]string{
	"int": {"i", "j", "k", "b.width", "value.width"}, "int8": {"s8", "t8", "b.small"}, "uint8": {"u8", "v8"}, "uint": {"u", "v"},
	"int64": {"i64", "j64"}, "uint64": {"b.wide"}, "int32": {"b.height"}, "float64": {"f", "g", "h", "nan", "zero", "b.ratio"}, "float32": {"f32", "g32"},
	"string": {"s", "t", "e", "b.name", "value.name", "b.parts[1]"}, "bool": {"yes", "no", "b.open"},
}

// callForms maps a type to calls with a result of this type; %T stands for an expression of the type T.
var callForms = map[string][]string{
	"int": {"b.Width()", "b.Area()", "value.Width()", "b.Inner().Width()", "b.Wider(%int)", "b.Len()", "b.Global()", "b.Shadow(%int)", "b.Fail()", "double(%int)", "hue.Number()", "strings.Index(%string, %string)",
		"strings.Count(%string, %string)", "strings.Compare(%string, %string)", "len(strings.Fields(%string))", "len(strings.Split(%string, %string))", "len(%string)", "made.Year()", "made.Hour()", "later.YearDay()", "int(lasting.Milliseconds())", "ip.BitLen()", "len(header)", "len(b.Title())",
		"count(%int, %int)", "count(%int, %int, %int)", "count(%int, c.full3...)", "len(c.Names())", "c.Widths()[1]", "len(strings.Fields(c.Line()))"},
	"int8": {"b.Wrapped()", "value.Wrapped()"}, "uint8": {"uint8(b.Area())", "strings.ToUpper(s)[2]"}, "uint": {"uint(b.Area())"}, "int64": {"b.Size()", "int64(b.Width())", "made.Unix()", "lasting.Nanoseconds()"},
	"uint64": {"uint64(b.Width())"}, "int32": {"int32(b.Len())"},
	"float64": {"b.Half()", "value.Half()", "math.Floor(%float64)", "math.Abs(%float64)", "math.Sqrt(%float64)", "math.Max(%float64, %float64)", "lasting.Seconds()", "float64(b.Area())"}, "float32": {"float32(b.Half())"},
	"string": {"b.Name()", "b.Title()", "b.Inner().Name()", "value.Name()", "b.Label(%string, %string)", "b.Part(%int)", "b.Part(2)", "strings.ToUpper(%string)", "strings.ToLower(%string)", "strings.TrimSpace(%string)", "strings.Trim(%string, %string)", "strings.TrimPrefix(%string, %string)",
		"strings.ReplaceAll(%string, %string, %string)", "strings.Repeat(%string, 3)", "strings.Join(b.parts, %string)", "strconv.Itoa(%int)", "strconv.Quote(%string)", "fmt.Sprint(%int, %string, %float64, %bool)", "fmt.Sprintf(\"%%d-%%v-%%5.2f|%%q\", %int, %bool, %float64, %string)",
		"fmt.Sprintln(%uint8, %float32)", "header.Get(%string)", "header.Get(\"accept\")", "at.Hostname()", "at.String()", "at.Port()", "at.Query().Get(\"r\")", "made.Format(\"2006-01-02 15:04\")", "made.Weekday().String()", "lasting.String()", "ip.String()", "wrapped.Error()", "gone.Error()", "b.String()",
		"path.Base(%string)", "http.StatusText(404)", "strings.ToUpper(s)[1:4]", "s[b.Len():]", "made.String()", "c.Line()", "c.Buffered()", "c.Reversed(%string)", "strings.Join(c.Names(), %string)", "fmt.Sprint(c.Widths(), %int)", "c.Names()[2]", "strings.Split(%string, %string)[0]"},
	"bool": {"b.Open()", "strings.Contains(%string, %string)", "strings.HasPrefix(%string, %string)", "strings.EqualFold(%string, %string)", "made.Before(later)", "later.Equal(made)", "ip.IsPrivate()", "errors.Is(wrapped, errGone)", "errors.Is(wrapped, errOther)", "errors.Is(none, errGone)", "math.IsNaN(%float64)", "at.IsAbs()", "(%int > b.Area())", "b.Made().IsZero()"},
}

var types = []string{"int", "int8", "uint8", "uint", "int64", "uint64", "int32", "float64", "float32", "string", "bool"}

func (g generator) one(list []string) string { return list[g.IntN(len(list))] }

// expression makes an expression of a type. No part of it is constant, so that nothing overflows while it is compiled.
func (g generator) expression(typ string, depth int) string {
	if depth == 0 {
		return g.one(leaves[typ])
	}
	switch g.IntN(5) {
	case 0, 1:
		return g.call(typ, depth)
	case 2:
		if typ != "string" && typ != "bool" {
			return fmt.Sprintf("%s(%s)", typ, g.expression(g.one([]string{"int", "int8", "uint8", "uint", "int64", "float32"}), depth-1))
		}
		if typ == "bool" {
			of := g.one(types)
			return fmt.Sprintf("(%s %s %s)", g.expression(of, depth-1), g.one(comparisons(of)), g.expression(of, depth-1))
		}
	case 3:
		return g.unary(typ, depth)
	}
	return g.binary(typ, depth)
}

func comparisons(typ string) []string {
	if typ == "bool" {
		return []string{"==", "!="}
	}
	return []string{"==", "!=", "<", "<=", ">", ">="}
}

func (g generator) call(typ string, depth int) string {
	form := strings.ReplaceAll(g.one(callForms[typ]), "%%", "\x00")
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(form, "%")
		b.WriteString(before)
		if !found {
			return strings.ReplaceAll(b.String(), "\x00", "%")
		}
		end := strings.IndexFunc(rest, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
		b.WriteString(g.expression(rest[:end], depth-1))
		form = rest[end:]
	}
}

func (g generator) unary(typ string, depth int) string {
	x := g.expression(typ, depth-1)
	switch typ {
	case "bool":
		return "!" + "(" + x + ")"
	case "string":
		return "(" + x + ")"
	case "float64", "float32":
		return "-(" + x + ")"
	}
	return g.one([]string{"-", "^", "+"}) + "(" + x + ")"
}

func (g generator) binary(typ string, depth int) string {
	x, y := g.expression(typ, depth-1), g.expression(typ, depth-1)
	switch typ {
	case "bool":
		return fmt.Sprintf("(%s %s %s)", x, g.one([]string{"&&", "||", "==", "!="}), y)
	case "string":
		if g.IntN(3) == 0 {
			y = strconv.Quote(g.one([]string{"", "x", "\x00\xff", "é\n"}))
		}
		return fmt.Sprintf("(%s + %s)", x, y)
	case "float64", "float32":
		if g.IntN(3) == 0 {
			y = g.one([]string{"2", "0.1", "1e10", "3.5"})
		}
		return fmt.Sprintf("(%s %s %s)", x, g.one([]string{"+", "-", "*", "/"}), y)
	}
	if g.IntN(4) == 0 {
		return fmt.Sprintf("(%s %s %s)", x, g.one([]string{"<<", ">>"}), g.one([]string{"1", "3", "7", "uint8(v8)", "70"}))
	}
	if g.IntN(3) == 0 {
		y = g.one([]string{"1", "2", "7", "100"})
	}
	return fmt.Sprintf("(%s %s %s)", x, g.one([]string{"+", "-", "*", "/", "%", "&", "|", "^", "&^"}), y)
}

// toldCalls is what internal/calls prints: the goroutine, and what each expression is.
type toldCalls struct {
	Goroutine int64
	Want      map[string]string
}

// callsCore builds a copy of internal/calls with expressions and functions in it, and runs it.
func callsCore(t *testing.T, expressions []string, functions string) (program, core string, told toldCalls) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("cores are available only on Linux")
	}
	dir := t.TempDir()
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	var lines strings.Builder
	for i, e := range expressions {
		fmt.Fprintf(&lines, "try(\"%d\", func() any { return %s })\n", i, e)
	}
	files := map[string]string{
		"go.mod":       fmt.Sprintf("module github.com/zeugkit/zeug/calls\n\ngo 1.26.0\n\nrequire github.com/zeugkit/zeug v0.0.0\n\nreplace github.com/zeugkit/zeug => %s\n", root),
		"functions.go": "package main\n\n" + functions,
	}
	for _, name := range []string{"main.go", "bodies.go"} {
		source, err := os.ReadFile(filepath.Join("internal/calls", name))
		require.NoError(t, err)
		files[name] = strings.Replace(string(source), "// EXPRESSIONS\n", lines.String(), 1)
	}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	program, core = filepath.Join(dir, "calls"), filepath.Join(dir, "core")
	build := exec.Command("go", "build", "-mod=mod", "-trimpath=false", "-o", program, unoptimized, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "GOPROXY=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%.2000s", out)
	run := exec.Command(program, core)
	run.Stderr = os.Stderr
	out, err = run.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(out, &told))
	return program, core, told
}

// callsCrash opens the core of internal/calls.
func callsCrash(t *testing.T, expressions []string, functions string) (c crash, want map[string]string) {
	t.Helper()
	program, core, told := callsCore(t, expressions, functions)
	opened, err := inspect.Open(program, core)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	return crash{opened, told.Goroutine}, told.Want
}

// Source that is newer than the program is not the program's.
func TestCallsOfChangedSourceAreRefused(t *testing.T) {
	program, core, told := callsCore(t, []string{"b.Title()"}, "")
	title := func() (string, error) {
		opened, err := inspect.Open(program, core)
		require.NoError(t, err)
		defer func() { require.NoError(t, opened.Close()) }()
		v, err := opened.Eval(index(t, crash{opened, told.Goroutine}, "main.frame"), "b.Title()")
		return v.Value, err
	}
	value, err := title()
	require.NoError(t, err)
	require.Equal(t, `"PEN É!"`, value)
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	require.NoError(t, os.Chtimes(program, old, old))
	_, err = title()
	require.ErrorContains(t, err, ".go has changed since the program was built")
}

var (
	numberOfReason = regexp.MustCompile(`^-?[\d.]+(e[+-]?\d+)?`)
	placeOfReason  = regexp.MustCompile(` \(line \d+ of [^ ]+\)$`)
)

// reason is why an expression is refused, without what differs from one to the next.
func reason(why string) string {
	return numberOfReason.ReplaceAllString(placeOfReason.ReplaceAllString(why, ""), "a number")
}

// The console must give the result that the program computes. CALL_EXPRESSIONS says how many are tried.
func TestCallsAreWhatTheProgramComputes(t *testing.T) {
	count := 400
	if n, err := strconv.Atoi(os.Getenv("CALL_EXPRESSIONS")); err == nil {
		count = n
	}
	g := generator{rand.New(rand.NewPCG(uint64(count), 3))}
	var expressions []string
	for typ, forms := range callForms { // each call by itself
		for range forms {
			expressions = append(expressions, g.call(typ, 1))
		}
	}
	for len(expressions) < count {
		if e := g.expression(g.one(types), 1+g.IntN(4)); len(e) < 600 {
			expressions = append(expressions, e)
		}
	}
	c, want := callsCrash(t, expressions, "")
	frame := index(t, c, "main.frame")
	refused, panicked := map[string]int{}, 0
	known := 0
	for i, e := range expressions {
		v, err := c.Eval(frame, e)
		told := want[strconv.Itoa(i)]
		switch {
		case err != nil && told == "panic":
			panicked++
		case err != nil:
			_, why, _ := strings.Cut(err.Error(), e+": ")
			refused[reason(why)]++
		default:
			known++
			if strings.Contains(v.Value, "… (") { // a long string is cut
				require.True(t, strings.HasPrefix(told, v.Type+" "+v.Value[:200]), "%s: %s", e, told)
				continue
			}
			if v.Type == "" { // a constant of Delve's, such as len(s)
				_, told, _ = strings.Cut(told, " ")
				require.Equal(t, told, v.Value, e)
				continue
			}
			require.Equal(t, told, v.Type+" "+v.Value, e)
		}
	}
	t.Logf("%d expressions: %d known, all right; %d panic in the program and are refused; refused: %v", len(expressions), known, panicked, refused)
	require.Greater(t, known, count*2/5)
}
