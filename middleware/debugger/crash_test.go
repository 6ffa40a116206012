package debugger_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/middleware/debugger"
)

const panicText = `panic: bad 44

goroutine 7 [running]:
example.org/shop/cart.(*Cart[...]).total({0x7ffdc47029ff, 0x5}, 0xdf5a83d6120)
	/srv/shop/cart/cart.go:7 +0x777
created by main.main in goroutine 1
	/srv/shop/main.go:27 +0x53f

goroutine 1 [sleep]:
time.Sleep(0x4a817c800)
	/opt/go/src/runtime/time.go:363 +0x165
main.main()
	/srv/shop/main.go:28 +0x54e

goroutine 6 [chan receive, 2 minutes]:
main.work(...)
	/srv/shop/main.go:40
goroutine 8 [chan receive]:
main.work(...)
	/srv/shop/main.go:40
`

// again is a panic that package sync has recovered and raised again.
const again = `panic: bad 44 [recovered, repanicked]

goroutine 35 [running]:
sync.(*WaitGroup).Go.func1.1()
	/opt/go/src/sync/waitgroup.go:251 +0x4d
panic({0x8a9d60?, 0x9d1d10?})
	/opt/go/src/runtime/panic.go:860 +0x13a
example.org/shop/cart.(*Cart[...]).total({0x7ffdc47029ff, 0x5}, 0xdf5a83d6120)
	/srv/shop/cart/cart.go:7 +0x777
sync.(*WaitGroup).Go.func1()
	/opt/go/src/sync/waitgroup.go:258 +0x54
`

const fatalText = `goroutine 23 gp=0x3ac8b8604f00 m=0 mp=0x98a100 [running]:
runtime.throw({0x706faa?, 0x3ac8b85abdd8?})
	/opt/go/src/runtime/panic.go:1229 +0x48 fp=0x3ac8b85abda0 sp=0x3ac8b85abd70 pc=0x482ee8
internal/runtime/maps.fatal({0x70c64b?, 0x0?})
	/opt/go/src/runtime/panic.go:1181 +0x18
main.count({0x7ffd315efa00, 0x4}, 0x3ac8b862a060)
	/srv/shop/main.go:13 +0x50f fp=0x3ac8b85abfa0 sp=0x3ac8b85abe00 pc=0x62266f
`

func TestCrashes(t *testing.T) {
	for name, c := range map[string]struct {
		crash             debugger.Crash
		message, function string
		line              int
		panicked          bool
		goroutine         int64
	}{
		"a panic":                             {debugger.Crash{Traceback: panicText}, "bad 44", "example.org/shop/cart.(*Cart[...]).total", 7, true, 7},
		"a panic within other output":         {debugger.Crash{Output: "2026 panic: of yesterday\nlistening\n" + panicText + "exit status 2\n"}, "bad 44", "example.org/shop/cart.(*Cart[...]).total", 7, true, 7},
		"a panic after one that was logged":   {debugger.Crash{Output: "panic: first\n\ngoroutine 3 [running]:\nmain.a()\n\t/a.go:1\n" + panicText}, "bad 44", "example.org/shop/cart.(*Cart[...]).total", 7, true, 7},
		"a panic that was caught and raised":  {debugger.Crash{Traceback: again}, "bad 44 [recovered, repanicked]", "example.org/shop/cart.(*Cart[...]).total", 7, true, 35},
		"a fatal error, named in the output":  {debugger.Crash{Output: "started\nfatal error: concurrent map writes\n", Traceback: "\n" + fatalText}, "fatal error: concurrent map writes", "internal/runtime/maps.fatal", 1181, false, 23},
		"a fatal error, all in the output":    {debugger.Crash{Output: "fatal error: all goroutines are asleep - deadlock!\n\n" + fatalText}, "fatal error: all goroutines are asleep - deadlock!", "internal/runtime/maps.fatal", 1181, false, 23},
		"a signal":                            {debugger.Crash{Traceback: "SIGQUIT: quit\nPC=0x4893e1 m=0 sigcode=0\n\n" + fatalText}, "SIGQUIT: quit\nPC=0x4893e1 m=0 sigcode=0", "internal/runtime/maps.fatal", 1181, false, 23},
		"a nil pointer, with what signals it": {debugger.Crash{Traceback: "panic: runtime error: nil pointer\n[signal SIGSEGV: code=0x1]\n\n" + panicText[len("panic: bad 44\n\n"):]}, "runtime error: nil pointer\nSIGSEGV: code=0x1", "example.org/shop/cart.(*Cart[...]).total", 7, true, 7},
	} {
		t.Run(name, func(t *testing.T) {
			c.crash.Ended = "exit status 2"
			rep, ok := c.crash.Report()
			require.True(t, ok)
			require.Equal(t, c.message, rep.Message)
			require.Equal(t, c.panicked, rep.Panicked)
			require.Equal(t, c.goroutine, rep.Goroutine)
			require.Equal(t, c.function, rep.Frames[0].Function)
			require.Equal(t, c.line, rep.Frames[0].Line)
		})
	}
	for name, output := range map[string]string{
		"nothing":                   "",
		"words without a traceback": "panic: at the disco\n",
		"a traceback without words": "goroutine 1 [running]:\nmain.main()\n\t/a.go:1\n",
		"a log of a panic":          "2026/01/02 http: panic serving 127.0.0.1: x\ngoroutine 3 [running]:\nmain.a()\n\t/a.go:1\n",
	} {
		t.Run("none: "+name, func(t *testing.T) {
			_, ok := debugger.Crash{Output: output}.Report()
			require.False(t, ok)
		})
	}
}

func TestOtherGoroutinesOfACrash(t *testing.T) {
	rep, ok := debugger.Crash{Traceback: panicText}.Report()
	require.True(t, ok)
	require.Len(t, rep.Others, 2)
	require.Equal(t, "sleep", rep.Others[0].State)
	require.True(t, rep.Others[0].Frames[0].Library, "of Go, whose folder the runtime's frames tell")
	require.False(t, rep.Others[0].Frames[1].Library)
	require.Equal(t, 1, rep.Others[1].Alike)

	var many strings.Builder
	many.WriteString(panicText)
	for i := range 150 {
		many.WriteString("\ngoroutine 1000 [select]:\nmain.f()\n\t/a.go:" + strconv.Itoa(i) + " +0x1\n")
	}
	rep, _ = debugger.Crash{Traceback: many.String()}.Report()
	require.Len(t, rep.Others, 100)
	require.Equal(t, 52, rep.More)
}

func TestPageOfACrash(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.org/shop\n"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "cart"), 0o700))
	source := filepath.Join(dir, "cart", "cart.go")
	require.NoError(t, os.WriteFile(source, []byte("package cart\n\n\n\n\n\n\tpanic(\"<b>\")\n"), 0o600))
	text := strings.ReplaceAll(panicText, "/srv/shop/cart/cart.go", source)
	rep, ok := debugger.Crash{Output: "said <i>this</i>\x1b[2J\n", Traceback: text, Ended: "exit status 2"}.Report()
	require.True(t, ok)
	rep.Requests = []debugger.Field{{Name: "GET", Value: "/cart?<i>, since 12ms"}, {Name: "POST", Value: "/\x1b[2J, since 3ms"}}
	ask := func(accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		debugger.Debugger{}.Page(rep, debugger.Live{URL: "/.zeug/frames/1-end/", Secret: "s"}, http.StatusBadGateway).ServeHTTP(w, r)
		require.Equal(t, http.StatusBadGateway, w.Code)
		return w
	}
	html := ask("text/html").Body.String()
	for _, want := range []string{
		`<b>GET</b> <span class="url">/cart?&lt;i&gt;, since 12ms</span>, and others`, "Requests on their way", `<th scope="row">POST</th>`,
		"The program ended: panic", "<h1>bad 44</h1>", "exit status 2", `class="line current"`, `data-live="/.zeug/frames/1-end/"`,
		`data-frame="0" open`, `data-frame="1"`, "goroutine 1 <code>main.main</code> <", "goroutine 6 <code>main.work</code> <", "and 1 alike", `said &lt;i&gt;this&lt;/i&gt;\x1b[2J`,
	} {
		require.Contains(t, html, want)
	}
	require.NotContains(t, html, "<h2>Request</h2>")
	require.Contains(t, ask("application/json").Body.String(), `"ended": "exit status 2"`)
	plain := ask("*/*").Body.String()
	require.Contains(t, plain, "panic: bad 44\n\nthe program ended: exit status 2\non its way: GET /cart?<i>, since 12ms\n")
	require.NotContains(t, plain, "\x1b")
	require.Contains(t, plain, "goroutine 6 [chan receive, 2 minutes], and 1 alike:\nmain.work\n")
}

// TestCrashesOfAnyText cuts the output of crashes short and changes one byte of it, at many
// offsets.
func TestCrashesOfAnyText(t *testing.T) {
	for _, whole := range []string{panicText, "fatal error: x\n\n" + fatalText} {
		for i := 0; i < len(whole); i += 1 + len(whole)/20 {
			for _, text := range []string{whole[:i], whole[i:], whole[:i] + "\x1b[2J" + whole[i:], whole[:i] + "\n" + whole[i+1:]} {
				for _, c := range []debugger.Crash{{Output: text}, {Traceback: text}} {
					if rep, ok := c.Report(); ok {
						require.NotContains(t, rep.Text(), "\x1b")
					}
				}
			}
		}
	}
}
