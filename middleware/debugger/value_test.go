package debugger_test

import (
	"errors"
	"fmt"
	"html/template"
	"io"
	"math/bits"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	texttemplate "text/template"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/gateway"
	"github.com/zeugkit/zeug/middleware/debugger"
)

type (
	blocks  struct{ wait chan struct{} }
	leaves  struct{}
	speaks  struct{}
	node    struct{ Next *node }
	endless map[string]any
	list    []any
)

func (b blocks) Error() string { <-b.wait; return "" }
func (leaves) Error() string   { runtime.Goexit(); return "" }
func (speaks) String() string  { return "spoken" }

// A value is always printed, within limits of time and size.
func TestWhatIsPrintedOfValues(t *testing.T) {
	wait := make(chan struct{})
	t.Cleanup(func() { close(wait) })
	ring := &node{}
	ring.Next = ring
	self := endless{"x": 1}
	self["self"] = self
	slice := list{1, nil}
	slice[1] = slice
	var wide any = "leaf"
	for range 20 {
		next := make([]any, 100)
		for i := range next {
			next[i] = wide
		}
		wide = next
	}
	for name, c := range map[string]struct {
		value any
		want  string
	}{
		"a text":                     {"plain", "plain"},
		"a number":                   {7, "7"},
		"a struct":                   {struct{ A, B any }{1, "b"}, `{A:1 B:"b"}`},
		"a struct with a method":     {struct{ S any }{speaks{}}, `{S:spoken}`},
		"a method":                   {speaks{}, "spoken"},
		"a map":                      {map[string]int{"b": 2, "a": 1}, "map[2 entries, not read]"},
		"a nil pointer":              {(*node)(nil), "nil"},
		"a ring":                     {ring, "&{Next:… (it holds itself)}"},
		"a map that holds itself":    {self, "map[2 entries, not read]"},
		"a slice that holds itself":  {slice, "[(not read) (not read)]"},
		"more than anybody can read": {wide, "more)"},
		"a huge text":                {strings.Repeat("x", 100<<20), "… (104857600 bytes)"},
		"a huge slice":               {make([]int, 100<<20), "(104857592 more)"},
		"huge bytes":                 {make([]byte, 100<<20), "… (104857600 bytes)"},
		"an error that blocks":       {blocks{wait}, "did not return"},
		"an error that leaves":       {leaves{}, "ended the goroutine"},
		"an error that wraps such":   {wraps{leaves{}}, "wraps"},
	} {
		t.Run(name, func(t *testing.T) {
			rep := report(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(c.value) }), local("GET", "/"))
			require.Contains(t, rep.Message, c.want)
			require.Less(t, len(rep.Message), 33<<10)
			require.Contains(t, rep.Frames[0].Function, "TestWhatIsPrintedOfValues")
		})
	}
}

type wraps struct{ error }

func (wraps) Error() string   { return "wraps" }
func (w wraps) Unwrap() error { return w.error }

// A failure to make the report must not hide the application's failure: the
// page only mentions it.
func TestReportsThatFail(t *testing.T) {
	var out strings.Builder
	for name, settings := range map[string]debugger.Debugger{
		"a Secret that panics": {Secret: func(string) bool { panic("no secrets") }},
		"an Output that fails": {Output: panics{}},
	} {
		t.Run(name, func(t *testing.T) {
			if settings.Output == nil {
				settings.Output = &out
			}
			w := httptest.NewRecorder()
			r := local("GET", "/?a=1")
			settings.Wrap(http.HandlerFunc(fails)).ServeHTTP(w, r)
			require.Equal(t, 500, w.Code)
			require.Contains(t, w.Body.String(), "alert(1)")
			require.Contains(t, w.Body.String(), "debugger_test.fails")
		})
	}
	require.Contains(t, out.String(), "making it panicked with no secrets")
	t.Run("arguments that panic", func(t *testing.T) {
		rep := report(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			gateway.RouteOf(r).Params = func() map[string]any { panic("no arguments") }
			panic("first")
		}), local("GET", "/"))
		require.Equal(t, "first", rep.Message)
		require.Contains(t, rep.Origin, "no arguments")
	})
}

type panics struct{}

func (panics) Write([]byte) (int, error) { panic("no room") }

func TestPanicsUnderPanics(t *testing.T) {
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		defer func() { panic("second") }()
		(&order{}).last()
	})
	rep := report(t, h, local("GET", "/"))
	require.Equal(t, "second", rep.Message)
	require.Contains(t, rep.Frames[0].Function, "TestPanicsUnderPanics")
	require.True(t, rep.Frames[1].Panicked, "the first panic began here")
	require.Contains(t, rep.Frames[1].Function, "(*order).last")
	for _, f := range rep.Frames {
		require.NotContains(t, f.Function, "runtime.")
	}
	w, out := serve(t, h, local("GET", "/"))
	require.Contains(t, w.Body.String(), "another panic was on its way")
	require.Contains(t, out, "another panic was on its way")
}

//go:noinline
func deeper(n int) int {
	if n == 0 {
		panic("the bottom")
	}
	return deeper(n-1) + 1
}

//go:noinline
func ping(n int) int { return pong(n) + 1 }

//go:noinline
func pong(n int) int {
	if n == 0 {
		panic("the bottom")
	}
	return ping(n-1) + 1
}

func TestDeepStacksAreShort(t *testing.T) {
	rep := report(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { deeper(5000) }), local("GET", "/"))
	require.Less(t, len(rep.Frames), 20)
	require.Equal(t, 4999, rep.Frames[1].Repeated)
	require.Contains(t, rep.Frames[2].Function, "TestDeepStacksAreShort", "and who began it is there")

	rep = report(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { ping(1000) }), local("GET", "/"))
	require.Less(t, len(rep.Frames), 20, "functions that call each other are there once")
	require.Equal(t, 2, rep.Frames[1].Cycle)
	require.Equal(t, 999, rep.Frames[1].Repeated)
	require.Contains(t, rep.Frames[4].Function, "TestDeepStacksAreShort")

	rep = report(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { uneven(1000) }), local("GET", "/"))
	require.Len(t, rep.Frames, 100)
	omitted, begun := 0, false
	for _, f := range rep.Frames {
		omitted += f.Omitted
		begun = begun || strings.Contains(f.Function, "TestDeepStacksAreShort")
	}
	require.Greater(t, omitted, 400)
	require.True(t, begun)
}

// uneven calls itself from one of two lines according to the Thue-Morse sequence, in which nothing
// is repeated three times in a row.
//
//go:noinline
func uneven(n int) int {
	switch {
	case n == 0:
		panic("the bottom")
	case bits.OnesCount(uint(n))%2 == 0:
		return uneven(n-1) + 1
	default:
		return uneven(n-1) + 2
	}
}

func TestHiddenFrames(t *testing.T) {
	through := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) })
	}
	var out strings.Builder
	settings := debugger.Debugger{Output: &out, Hide: []string{"net/...", "example.org/none"}}
	w := httptest.NewRecorder()
	settings.Wrap(through(http.HandlerFunc(fails))).ServeHTTP(w, local("GET", "/"))
	require.Contains(t, w.Body.String(), "hidden call")
	require.NotContains(t, out.String(), "net/http.HandlerFunc.ServeHTTP")
	require.Contains(t, out.String(), "(hidden: 1)")
}

// The templates of the standard library name a file without its folder.
func TestErrorsOfStandardTemplates(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.org/app\n"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "views"), 0o755))
	write := func(name, text string) string {
		path := filepath.Join(dir, "views", name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	t.Chdir(dir)
	data := map[string]any{"items": []int{1}}
	text := "<h1>\n{{ index .items 3 }}\n</h1>\n"
	path := write("cart.tmpl", text)
	for name, err := range map[string]error{
		"html/template": template.Must(template.ParseFiles(path)).Execute(io.Discard, data),
		"text/template": texttemplate.Must(texttemplate.ParseFiles(path)).Execute(io.Discard, data),
	} {
		t.Run(name, func(t *testing.T) {
			rep := report(t, answers(fmt.Errorf("cart: %w", err)), local("GET", "/"))
			require.True(t, rep.Frames[0].Template)
			require.Equal(t, 2, rep.Frames[0].Line)
			require.Equal(t, path, rep.Frames[0].File)
			require.Equal(t, "{{ index .items 3 }}", rep.Frames[0].Source[1].Text)
		})
	}
	failed := template.Must(template.ParseFiles(path)).Execute(io.Discard, data)
	t.Run("one that does not parse", func(t *testing.T) {
		_, err := template.ParseFiles(write("broken.tmpl", "<p>\n{{ nope .x }}\n"))
		rep := report(t, answers(err), local("GET", "/"))
		require.True(t, rep.Frames[0].Template)
		require.Equal(t, "{{ nope .x }}", rep.Frames[0].Source[1].Text)
	})
	t.Run("one that was changed since shows no line", func(t *testing.T) {
		write("cart.tmpl", "something\nelse\n")
		rep := report(t, answers(failed), local("GET", "/"))
		require.True(t, rep.Frames[0].Template)
		require.Empty(t, rep.Frames[0].Source)
		write("cart.tmpl", text)
	})
	t.Run("one of two of the name shows no line", func(t *testing.T) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "cart.tmpl"), []byte(text), 0o644))
		rep := report(t, answers(failed), local("GET", "/"))
		require.Empty(t, rep.Frames[0].Source)
	})
	t.Run("an error that only reads like one has no frame", func(t *testing.T) {
		rep := report(t, answers(errors.New("template: nothing.tmpl:3: x")), local("GET", "/"))
		require.False(t, rep.Frames[0].Template)
	})
}
