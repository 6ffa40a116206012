package inspect_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bodyCalls are calls of internal/calls whose functions have several statements, and what is expected
// of each: "" for the result of the program, or a part of the reason for a refusal.
var bodyCalls = map[string]string{
	"c.Sum()": "", "c.WidestName()": "", `c.Count("pen")`: "", `c.Count("none")`: "", `c.Count("é")`: "", "c.Total()": "", "c.Has(4)": "", "c.Has(5)": "",
	`c.Vowels("Hello, Wörld é")`: "", `c.Vowels("stop! here")`: "", `c.Vowels("\xff\xfe a")`: "",
	"c.Describe(-1)": "", "c.Describe(0)": "", "c.Describe(4)": "", "c.Describe(9)": "", "c.Describe(7)": "", "c.Describe(16)": "",
	"c.Color(1)": "", "c.Color(2)": "", "c.Color(9)": "", "c.Color(77)": "", "c.Gauss(100)": "", "c.Gauss(-3)": "", "c.Collatz(27)": "",
	"c.Grid(20)": "", "c.Grid(1000)": "", "c.Flags()": "", "c.Depth()": "", "empty.Depth()": "", "c.next.Depth()": "",
	"c.Kind()": "", "c.next.Kind()": "", "c.next.next.Kind()": "", "c.Number()": "", "c.next.Number()": "",
	"c.Loads()": "", "c.IsFull()": "", "c.Best()": "", "c.Caption()": "", "c.Bytes()": "", "c.Gone()": "", "c.next.Gone()": "", "c.Failed()": "", "c.next.Failed()": "", "empty == nil": "",
	"c.Shape()": "", "c.Small()": "", "c.Untyped()": "", "c.Overflow()": "", "c.Swap(3, 4)": "", "c.Code()": "", "c.next.Code()": "", "c.next.next.Code()": "",
	"c.Shadow(3)": "", "c.Shadow(30)": "", "c.Text()": "", "c.Pointed()": "", "c.Name()": "", "c.Area()": "", "c.Title()": "", "c.Same(c.label)": "",
	"b.Loop()": "", "numbers.Len()": "", "numbers.Top()": "", "numbers.First()": "", "numbers.Full()": "", "numbers.Or(1, 7)": "", "numbers.Or(9, 7)": "",
	"names.Len()": "", "names.Top()": "", "names.First()": "", `names.Or(1, "z")`: "", `names.Or(-1, "z")`: "", "boxes.Top().Name()": "", "boxes.First().Area()": "",
	"both.Key()": "", "both.Value().Name()": "",
	"failed.Error()": "", "errors.Is(failed, errGone)": "", "errors.Is(failed, errOther)": "", "errors.As(failed, &other)": "",
	"errors.Is(c.next.next.cause, errOther)": "", "errors.Is(c.next.next.cause, errGone)": "", "errors.Is(c.next.next.cause, wanted)": "",
	"c.cause.Error()": "", "c.any == nil": "", "b.Inner() == b.inner": "", "b.Inner() != nil": "", "b.Inner().Inner() == nil": "",
	"c.Literal()": "", "c.Widths()": "", "c.Names()": "", `c.Reversed("añb")`: "", `c.Reversed("\xffa")`: "", "c.Padded()": "", "c.Full()": "", "c.Shared()": "", "c.Given()": "",
	"c.Counted()": "", "count(1, 2, 3)": "", "count(1)": "", "count(3, c.full3...)": "", "fmt.Sprint(c.Widths())": "", "c.Widths()[1]": "", "len(c.Names())": "", "strings.Join(c.Names(), `-`)": "",
	"c.Line()": "", "c.Buffered()": "", "c.Twice()": "",
	"c.Overwritten()":   "append may change what another slice shows",
	"c.Moved()":         "the item may belong to another slice as well",
	"c.Spare()":         "append would change an array of the program",
	"c.Emptied()":       "changes something outside",
	"c.Passed()":        "changes something outside",
	"c.Stale()":         "something may point to v",
	"c.StaleSelf()":     "something may point to v",
	"c.StaleItem()":     "something may point to the item",
	"c.CopiedBuilder()": "a copy of a strings.Builder",
	"c.Keys()":          "may depend on the order of the map",
	"count(c.full3...)": "it takes other arguments",
	"c.Busy()":          "a lock is held",
	"c.Any()":           "depends on the order of the map",
	"c.Last()":          "may depend on the order of the map",
	"c.Forever()":       "too many steps",
	"c.Grow()":          "changes something outside",
	"c.Copied()":        "the address of a copy is not known here",
	"twice.N()":         "what N returns is not known",
}

func TestFunctionsAreInterpretedFromTheirSource(t *testing.T) {
	var expressions []string
	for e, refused := range bodyCalls {
		if refused == "" {
			expressions = append(expressions, e)
		}
	}
	c, want := callsCrash(t, expressions, "")
	frame := index(t, c, "main.frame")
	for i, e := range expressions {
		t.Run(e, func(t *testing.T) {
			v, err := c.Eval(frame, e)
			require.NoError(t, err)
			require.Equal(t, want[strconv.Itoa(i)], v.Type+" "+v.Value)
		})
	}
	for e, refused := range bodyCalls {
		if refused != "" {
			t.Run(e, func(t *testing.T) {
				_, err := c.Eval(frame, e)
				require.ErrorContains(t, err, refused)
			})
		}
	}
	t.Run("several results", func(t *testing.T) {
		v, err := c.Eval(frame, "names.At(1)")
		require.NoError(t, err)
		require.Equal(t, `(string, bool) "é", true`, v.Type+" "+v.Value)
		v, err = c.Eval(frame, "errors.AsType[*main.failure](failed)")
		require.NoError(t, err)
		require.Equal(t, "(*main.failure, bool)", v.Type)
		require.Contains(t, v.Value, `op: "open"`)
	})
}

// writer makes functions. Each compiles, and uses every variable that it declares.
type writer struct {
	generator
	b    *strings.Builder
	ints []string // the variables in scope
	// lists and builders are the slices and the strings.Builders in scope.
	lists, builders []string
	names           int
	loops           int
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(w.b, format+"\n", args...) }

func (w *writer) fresh() string {
	w.names++
	return fmt.Sprintf("v%d", w.names)
}

// inside writes statements in a scope of their own.
func (w *writer) inside(depth int) {
	ints, lists, builders := w.ints, w.lists, w.builders
	for range 1 + w.IntN(3) {
		w.statement(depth - 1)
	}
	w.ints, w.lists, w.builders = ints, lists, builders
}

func (w *writer) number(depth int) string {
	if depth == 0 || w.IntN(3) == 0 {
		return w.one(append([]string{"c.width", "len(c.boxes)", "c.boxes[1].width", "c.Flags2()", "int(c.small)", "len(c.text)", "c.counts[\"pen\"]", "c.counts[\"none\"]", "(x + big)", "int(c.loads.Load())", "c.next.Area()", "len(c.Name())"}, w.ints...))
	}
	switch w.IntN(6) {
	case 0:
		return fmt.Sprintf("min(%s, %s)", w.number(depth-1), w.number(depth-1))
	case 1:
		return fmt.Sprintf("int(%s(%s))", w.one([]string{"int8", "uint8", "int16", "uint32"}), w.number(depth-1))
	}
	right := w.number(depth - 1)
	if w.IntN(3) == 0 {
		right = w.one([]string{"1", "3", "8", "100"})
	}
	op := w.one([]string{"+", "-", "*", "/", "%", "&", "|", "^", "&^"})
	if w.IntN(8) == 0 {
		op, right = w.one([]string{"<<", ">>"}), w.one([]string{"1", "5", "uint(c.height)"})
	}
	return fmt.Sprintf("(%s %s %s)", w.number(depth-1), op, right)
}

func (w *writer) test() string {
	switch w.IntN(7) {
	case 0:
		return fmt.Sprintf("c.flags[%d]", w.IntN(4))
	case 1:
		return w.one([]string{"c.next != nil", "c.next.next.next == nil", "c.best.Load() == c.inner", "c.any != nil", "c.box == c.boxes[0]", "c.cause == nil", "c.Name() == c.boxes[0].name", "errors.Is(c.cause, errGone)"})
	case 2:
		return fmt.Sprintf("!(%s)", w.test())
	case 3:
		return fmt.Sprintf("%s %s %s", w.test(), w.one([]string{"&&", "||"}), w.test())
	}
	return fmt.Sprintf("%s %s %s", w.number(1), w.one([]string{"==", "!=", "<", "<=", ">", ">="}), w.number(1))
}

func (w *writer) statement(depth int) {
	kind := w.IntN(20)
	if depth <= 0 {
		kind = w.IntN(5)
	}
	some := w.one(w.ints)
	switch kind {
	case 0:
		v := w.fresh()
		w.line("%s := %s", v, w.number(2))
		w.line("%s ^= %s", some, v)
		w.ints = append(w.ints, v)
	case 1:
		w.line("%s = %s", some, w.number(2))
	case 2:
		w.line("%s %s= %s", some, w.one([]string{"+", "-", "*", "/", "%", "|", "^"}), w.number(1))
	case 3:
		w.line("%s%s", some, w.one([]string{"++", "--"}))
	case 4:
		w.line("%s, %s = %s, %s", some, w.one(append([]string{"_"}, w.others(some)...)), w.number(1), w.number(1))
	case 5, 6:
		w.line("if %s {", w.test())
		w.inside(depth)
		if w.IntN(2) == 0 {
			w.line("} else if %s {", w.test())
			w.inside(depth)
		}
		if w.IntN(2) == 0 {
			w.line("} else {")
			w.inside(depth)
		}
		w.line("}")
	case 7, 8:
		w.loop(depth)
	case 9:
		w.line("switch %s {", w.one([]string{"", w.one(w.ints) + " % 4"}))
		w.cases(depth)
	case 10:
		v := w.fresh()
		w.line("if %s, ok := c.counts[%s]; ok {", v, w.one([]string{`"pen"`, `"none"`, "c.Name()"}))
		w.line("%s += %s", some, v)
		w.line("}")
	case 11:
		w.line("if b, at := c.Widest(); b != nil && at > %d {", w.IntN(3))
		w.line("%s += b.width + at", some)
		w.inside(depth)
		w.line("}")
	case 12:
		w.line("{")
		w.line("%s := %s", some, w.number(1))
		w.line("%s++", some)
		w.inside(depth)
		w.line("}")
	case 13:
		w.line("if %s {", w.test())
		w.line("return %s", w.number(2))
		w.line("}")
	case 14, 15, 16, 17:
		w.list(some)
	case 18, 19:
		w.builder(some)
	}
}

// list writes a statement with slices.
func (w *writer) list(some string) {
	if len(w.lists) == 0 || w.IntN(4) == 0 {
		v := w.fresh()
		w.line("%s := %s\n_ = %s", v, w.slice(), v)
		w.lists = append(w.lists[:len(w.lists):len(w.lists)], v)
		return
	}
	list := w.one(w.lists)
	at := w.one([]string{"0", "1", "len(" + list + ")-1", "(x&1)"})
	switch w.IntN(8) {
	case 0, 1, 2:
		w.line("%s = append(%s, %s)", list, list, w.number(1))
	case 3:
		w.line("%s = append(%s, %s...)", list, w.one(w.lists), w.one(append([]string{"c.full3", "c.spare"}, w.lists...)))
	case 4:
		w.line("%s = %s", list, w.slice())
	case 5:
		w.line("if len(%s) > 1 {\n%s[%s] %s= %s\n}", list, list, at, w.one([]string{"", "+", "^"}), w.number(1))
	case 6:
		w.line("if len(%s) > 1 {\n%s[0], %s[1] = %s[1], %s[0]\n}", list, list, list, list, list)
	case 7:
		w.line("%s += sum(%s)", some, w.one([]string{list + "...", w.number(1) + ", " + w.number(1), "", "append(" + list + ", 4)...", "grown(" + list + ")..."}))
	}
	if w.IntN(3) == 0 {
		w.line("for i, v := range %s {\n%s += i*v\n}", list, some)
	}
}

// slice is an expression of a slice of the function's own.
func (w *writer) slice() string {
	forms := []string{"[]int{1, x, 3}", "[]int{}", "make([]int, 3)", "make([]int, 1, 4)", "append([]int(nil), x, y)", "append(c.full3, y)", "append([]int{x}, c.spare...)", "doubled(x, y)", "grown(nil)"}
	if len(w.lists) > 0 {
		list := w.one(w.lists)
		forms = append(forms, list, list, "append("+list+", x)", list+"[:min(1, len("+list+"))]", list+"[len("+list+")/2:]", "grown("+list+")", "append("+list+"[:len("+list+")/2], y)", "doubled("+list+"...)")
	}
	return w.one(forms)
}

// builder writes a statement with a strings.Builder.
func (w *writer) builder(some string) {
	if len(w.builders) == 0 || w.IntN(5) == 0 {
		v := w.fresh()
		w.line("%s := %s\n_ = %[1]s", v, w.one([]string{"new(strings.Builder)", "&strings.Builder{}"}))
		w.builders = append(w.builders[:len(w.builders):len(w.builders)], v)
	}
	b := w.one(w.builders)
	switch w.IntN(6) {
	case 0:
		w.line("%s.WriteString(c.Name())", b)
	case 1:
		w.line("fmt.Fprintf(%s, \"%%d|\", %s)", b, w.number(1))
	case 2:
		w.line("%s += note(%s, %s) + %s.Len()", some, b, w.number(1), b)
	case 3:
		w.line("for _, r := range %s.String() {\n%s = %s*7 + int(r)\n}", b, some, some)
	case 4:
		w.line("%s.WriteByte(byte(%s))\n%s.WriteRune(rune(%s))", b, w.number(1), b, w.number(1))
	case 5:
		w.line("%s ^= len(%s.String())", some, b)
	}
}

func (w *writer) others(than string) (list []string) {
	for _, v := range w.ints {
		if v != than {
			list = append(list, v)
		}
	}
	return list
}

// cases ends a switch of which the begin is written, with a tag or without.
func (w *writer) cases(depth int) {
	tagless := strings.HasSuffix(w.b.String(), "switch  {\n")
	for i := range 1 + w.IntN(3) {
		if tagless {
			w.line("case %s:", w.test())
		} else {
			w.line("case %d, %d:", 2*i, 2*i+1)
		}
		w.inside(depth)
		if w.IntN(4) == 0 {
			w.line("break")
		}
	}
	if w.IntN(2) == 0 {
		w.line("default:")
		w.inside(depth)
	}
	w.line("}")
}

func (w *writer) loop(depth int) {
	v, some, ints, lists, builders := w.fresh(), w.one(w.ints), w.ints, w.lists, w.builders
	if w.loops > 1 {
		w.line("%s += 2", some)
		return
	}
	w.loops++
	defer func() { w.loops, w.ints, w.lists, w.builders = w.loops-1, ints, lists, builders }()
	switch w.IntN(6) {
	case 0:
		w.line("for %s := %d; %s < 7; %s += %d {", v, w.IntN(4), v, v, 1+w.IntN(2))
		w.line("%s += %s", some, v)
	case 1:
		w.line("for %s := range 3 + len(c.boxes) {", v)
		w.ints = append(w.ints, v)
		w.line("%s ^= %s", some, v)
	case 2:
		w.line("for i, r := range %s {", w.one([]string{"c.Name()", `"héé\xff"`, "string(c.text)"}))
		w.line("%s += i * int(r)", some)
	case 3:
		w.line("for i, b := range c.boxes {")
		w.line("%s += i - b.width", some)
	case 4:
		w.line("for k, v := range c.counts {")
		w.line("%s += len(k) * v", some)
		w.line("}")
		return
	case 5:
		w.line("for %s := range c.flags {", v)
		w.ints = append(w.ints, v)
		w.line("%s -= %s", some, v)
	}
	w.inside(depth)
	if w.IntN(3) == 0 {
		w.line("if %s {\n%s\n}", w.test(), w.one([]string{"break", "continue", "return " + some}))
		w.inside(depth)
	}
	w.line("}")
}

// madeHelpers is what the generated functions call.
const madeHelpers = `import (
	"errors"
	"fmt"
	"strings"
)

const big = 1 << 40

var _, _, _ = errors.ErrUnsupported, fmt.Sprint(), strings.ToUpper

func (c *crate) Flags2() int { return int(c.Flags()) }

func sum(list ...int) (n int) {
	for i, v := range list {
		n = n*3 + v ^ i
	}
	return n + len(list)
}

func doubled(list ...int) []int {
	list = append(list, 2)
	for _, v := range list {
		list = append(list, 2*v)
	}
	return list
}

func grown(list []int) []int { return append(list, len(list), 7) }

func note(b *strings.Builder, n int) int {
	fmt.Fprint(b, n)
	return b.Len()
}
`

// The console must give the result that the program computes. CALL_FUNCTIONS says how many functions are tried.
func TestFunctionsReturnWhatTheProgramComputes(t *testing.T) {
	count := 100
	if n, err := strconv.Atoi(os.Getenv("CALL_FUNCTIONS")); err == nil {
		count = n
	}
	w := writer{generator: generator{rand.New(rand.NewPCG(uint64(count), 5))}, b: new(strings.Builder)}
	w.line("%s", madeHelpers)
	var expressions []string
	for i := range count {
		w.ints, w.lists, w.builders = []string{"x", "y"}, nil, nil
		w.line("func (c *crate) Made%d(x, y int) int {", i)
		for range 2 + w.IntN(5) {
			w.statement(3)
		}
		for _, list := range w.lists {
			w.line("for i, v := range %s {\nx = x*31 + v - i\n}", list)
		}
		for _, b := range w.builders {
			w.line("for _, r := range %s.String() {\ny = y*31 + int(r)\n}", b)
		}
		w.line("return x + 3*y\n}\n")
		expressions = append(expressions, fmt.Sprintf("c.Made%d(%s, %s)", i, w.one([]string{"i", "j", "3"}), w.one([]string{"i", "j", "k", "0"})))
	}
	c, want := callsCrash(t, expressions, w.b.String())
	frame := index(t, c, "main.frame")
	refused, panicked, known := map[string]int{}, 0, 0
	for i, e := range expressions {
		v, err := c.Eval(frame, e)
		told := want[strconv.Itoa(i)]
		switch {
		case err != nil && told == "panic":
			panicked++
		case err != nil:
			_, why, _ := strings.Cut(err.Error(), "is not known: ")
			refused[reason(why)]++
		default:
			known++
			require.Equal(t, told, v.Type+" "+v.Value, e)
		}
	}
	t.Logf("%d functions: %d known, all right; %d panic in the program and are refused; refused: %v", count, known, panicked, refused)
	require.Greater(t, known+panicked, count*3/4)
}
