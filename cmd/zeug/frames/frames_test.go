package frames_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/cmd/zeug/frames"
	"github.com/zeugkit/zeug/cmd/zeug/inspect"
	"github.com/zeugkit/zeug/internal/reload"
	"github.com/zeugkit/zeug/internal/supervise"
	"github.com/zeugkit/zeug/middleware/debugger"
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

var inspector = []string{os.Args[0], "inspect-core"}

// crash builds and runs the program that crashes, and returns it with its core
// and the goroutine.
func crash(t *testing.T) (program, core string, goroutine int64) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("cores are available only on Linux")
	}
	dir := t.TempDir()
	program, core = filepath.Join(dir, "crash"), filepath.Join(dir, "core")
	out, err := exec.Command("go", "build", "-gcflags=github.com/zeugkit/zeug/...=-N -l", "-o", program, "../inspect/internal/crash").CombinedOutput()
	require.NoError(t, err, string(out))
	out, err = exec.Command(program, core).Output()
	require.NoError(t, err)
	var size int64
	_, err = fmt.Sscan(string(out), &size, &goroutine)
	require.NoError(t, err)
	return program, core, goroutine
}

// report reports a failure to a handler.
func report(t *testing.T, h *frames.Handler, program string, f supervise.Failure) {
	t.Helper()
	data, err := json.Marshal(f)
	require.NoError(t, err)
	h.Receive(&reload.Process{Executable: program}, supervise.Message{Type: supervise.TypeFailure, Data: data})
}

// lineOf is the number of the line of the crashing program that contains a string.
func lineOf(t *testing.T, text string) int {
	t.Helper()
	source, err := os.ReadFile("../inspect/internal/crash/main.go")
	require.NoError(t, err)
	before, _, found := strings.Cut(string(source), text)
	require.True(t, found)
	return 1 + strings.Count(before, "\n")
}

func ask(h http.Handler, method, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/.zeug/frames/"+path, nil)
	r.Host, r.RemoteAddr = "localhost:5000", "127.0.0.1:1"
	r.Header.Set("Zeug-Secret", "s")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestQuestions(t *testing.T) {
	program, core, goroutine := crash(t)
	h := &frames.Handler{Inspector: inspector}
	defer h.Close()
	report(t, h, program, supervise.Failure{Key: "1-f1", Core: core, Goroutine: goroutine, Secret: "s", Frames: []supervise.Frame{
		{Function: "template", File: "page.html", Line: 3},
		{Function: "main.total[...]", Line: lineOf(t, "sum += price")},
		{Function: "main.handle", Line: lineOf(t, "total(items")},
	}})
	lines := ask(h, "GET", "1-f1/variables?frame=2")
	t.Run("variables", func(t *testing.T) {
		require.Equal(t, 200, lines.Code, lines.Body.String())
		var list []inspect.Variable
		require.NoError(t, json.Unmarshal(lines.Body.Bytes(), &list))
		names := map[string]string{}
		for _, v := range list {
			names[v.Name] = v.Value
		}
		require.Equal(t, `"/checkout?cart=7"`, names["target"])
	})
	t.Run("variables of a generic function", func(t *testing.T) {
		require.Regexp(t, `^{"name":"note","type":"string","value":"\\"inner\\"","note":"5 bytes","copy":"[^,]*"}\n$`, ask(h, "GET", "1-f1/eval?frame=1&expr=note").Body.String())
	})
	t.Run("an expression", func(t *testing.T) {
		w := ask(h, "GET", "1-f1/eval?frame=2&expr="+url.QueryEscape("items[2].Price*3"))
		require.JSONEq(t, `{"name":"items[2].Price*3","type":"int","value":"33"}`, w.Body.String())
	})
	t.Run("a copy", func(t *testing.T) {
		w := ask(h, "GET", "1-f1/copy?frame=2&expr="+url.QueryEscape("items[1]"))
		require.JSONEq(t, `{"go":"item{Name: \"ink\", Price: 5}","json":"{\n  \"Name\": \"ink\",\n  \"Price\": 5\n}"}`, w.Body.String())
	})
	t.Run("what is inside", func(t *testing.T) {
		w := ask(h, "GET", "1-f1/expand?frame=2&expr=big&from=998")
		require.Contains(t, w.Body.String(), `"name":"[999]"`)
	})
	t.Run("names that complete", func(t *testing.T) {
		require.JSONEq(t, `["Name"]`, ask(h, "GET", "1-f1/complete?frame=2&expr=who.Na").Body.String())
	})
	t.Run("package variables", func(t *testing.T) {
		require.Contains(t, ask(h, "GET", "1-f1/globals?frame=2").Body.String(), `"name":"served"`)
	})
	t.Run("the core", func(t *testing.T) {
		w := ask(h, "GET", "1-f1/core?secret=s", func(r *http.Request) { r.Header.Del("Zeug-Secret") })
		require.Equal(t, 200, w.Code)
		require.True(t, strings.HasPrefix(w.Body.String(), "\x7fELF"))
	})
	t.Run("the program", func(t *testing.T) {
		w := ask(h, "GET", "1-f1/program?secret=s", func(r *http.Request) { r.Header.Del("Zeug-Secret") })
		require.Equal(t, 200, w.Code)
		info, err := os.Stat(program)
		require.NoError(t, err)
		require.EqualValues(t, info.Size(), w.Body.Len())
	})
	for name, c := range map[string]struct {
		path   string
		status int
		want   string
	}{
		"a long expression":              {"1-f1/eval?frame=2&expr=" + strings.Repeat("1%2B", 4000) + "1", 422, "4096 are the most"},
		"a frame the core does not have": {"1-f1/variables?frame=0", 422, "does not have this frame"},
		"a frame the page does not have": {"1-f1/variables?frame=9", 422, "no such frame"},
		"a frame that is not a number":   {"1-f1/variables?frame=x", 422, "no such frame"},
		"not a valid expression":         {"1-f1/eval?frame=2&expr=1%2B", 422, "operand"},
		"a function":                     {"1-f1/eval?frame=2&expr=who.hello()", 422, "cannot be called"},
		"another question":               {"1-f1/shell?frame=2", 404, "no question"},
		"another failure":                {"1-f2/variables?frame=2", 404, "not kept"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			w := ask(h, "GET", c.path)
			require.Equal(t, c.status, w.Code)
			require.Contains(t, w.Body.String(), c.want)
		})
	}
}

func TestWhoMayAsk(t *testing.T) {
	h := &frames.Handler{Inspector: inspector}
	defer h.Close()
	report(t, h, "none", supervise.Failure{Key: "k", Core: filepath.Join(t.TempDir(), "none"), Secret: "s"})
	for name, c := range map[string]struct {
		status int
		change func(*http.Request)
	}{
		"the page, whose core cannot be read": {422, func(*http.Request) {}},
		"the page, as a browser says":         {422, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }},
		"without the secret":                  {403, func(r *http.Request) { r.Header.Del("Zeug-Secret") }},
		"with another secret":                 {403, func(r *http.Request) { r.Header.Set("Zeug-Secret", "t") }},
		"another machine":                     {403, func(r *http.Request) { r.RemoteAddr = "192.0.2.1:1" }},
		"another name of this machine":        {403, func(r *http.Request) { r.Host = "evil.example" }},
		"a page of another site":              {403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }},
		"a page of another port":              {403, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
		"an old browser on another site":      {403, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }},
		"through a proxy":                     {403, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.1") }},
		"by POST":                             {405, func(r *http.Request) { r.Method = "POST" }},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.status, ask(h, "GET", "k/variables?frame=0", c.change).Code)
		})
	}
}

func TestTheLastTenAreKept(t *testing.T) {
	dir := t.TempDir()
	h := &frames.Handler{Inspector: inspector}
	for i := range 13 {
		core := filepath.Join(dir, fmt.Sprint(i))
		require.NoError(t, os.WriteFile(core, []byte("x"), 0o600))
		report(t, h, "none", supervise.Failure{Key: fmt.Sprint(i), Core: core, Secret: "s"})
	}
	list, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, list, 10)
	require.Equal(t, 404, ask(h, "GET", "2/variables?frame=0").Code)
	require.NotEqual(t, 404, ask(h, "GET", "3/variables?frame=0").Code)
	h.Close()
	list, err = os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, list)
}

// enter sends a PIN and returns the answer.
func enter(h http.Handler, pin string) *httptest.ResponseRecorder {
	return ask(h, "POST", "pin", func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = http.NoBody
		r.URL.RawQuery = ""
		form := url.Values{"pin": {pin}}.Encode()
		*r = *httptest.NewRequest("POST", "/.zeug/frames/pin", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Zeug-Secret", "s")
		r.Host, r.RemoteAddr = "localhost:5000", "127.0.0.1:1"
	})
}

func TestPIN(t *testing.T) {
	t.Setenv("ZEUG_DEBUG_PIN", "123-456-789")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	var out bytes.Buffer
	pin, err := debugger.NewPIN(&out)
	require.NoError(t, err)
	h := &frames.Handler{Guard: debugger.Debugger{PIN: pin}, Inspector: inspector}
	report(t, h, "none", supervise.Failure{Key: "k", Core: filepath.Join(t.TempDir(), "none"), Secret: "s"})
	report(t, h, "none", supervise.Failure{Key: "l", Core: filepath.Join(t.TempDir(), "none"), Secret: "s"})
	require.Equal(t, " * Debugger PIN: 123-456-789\n", out.String(), "once")
	require.Equal(t, 401, ask(h, "GET", "k/variables?frame=0").Code)
	require.Equal(t, 403, enter(h, "111-111-111").Code)
	require.Equal(t, 405, ask(h, "GET", "pin").Code)
	other := func(r *http.Request) { r.Header.Set("Zeug-Secret", "other") }
	require.Equal(t, 403, ask(h, "POST", "pin", other).Code)
	require.Equal(t, 403, ask(h, "POST", "print", other).Code)
	out.Reset()
	require.Equal(t, 200, ask(h, "POST", "print").Code)
	require.Regexp(t, `^ \* Debugger PIN: 123-456-789\n \* Debugger link: http://localhost:5000/\?__debugger__=\w+\n$`, out.String(), "once more, since it was asked for")

	w := enter(h, "123456789")
	require.Equal(t, 200, w.Code)
	cookie := w.Result().Cookies()[0]
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	require.Equal(t, 7*24*60*60, cookie.MaxAge)
	with := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value}) }
	}
	require.Equal(t, 422, ask(h, "GET", "k/variables?frame=0", with(cookie.Value)).Code, "let in, to an invalid core")
	again, err := debugger.NewPIN(&out)
	require.NoError(t, err)
	require.True(t, again.Admits(func() *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		with(cookie.Value)(r)
		return r
	}()), "the same PIN lets the browser in after a new start")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	elsewhere, err := debugger.NewPIN(&out)
	require.NoError(t, err)
	require.False(t, elsewhere.Admits(func() *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		with(cookie.Value)(r)
		return r
	}()), "who knows the PIN alone cannot make the cookie")
	for name, value := range map[string]string{
		"nothing":     "",
		"a guess":     "9999999999.00",
		"a later one": "9" + cookie.Value,
		"an old one":  "1.00",
		"cut":         cookie.Value[:len(cookie.Value)-1],
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			require.Equal(t, 401, ask(h, "GET", "k/variables?frame=0", with(value)).Code)
		})
	}
	for range 12 {
		require.Equal(t, 403, enter(h, "1").Code)
	}
	require.Equal(t, 200, enter(h, "123456789").Code, "wrong tries lock nobody out")
}

func TestPINsThatAreSet(t *testing.T) {
	for set, ok := range map[string]bool{"": true, "off": true, "OFF": true, "123456789": true, "1234-56789-01": true, "1234": false, "12345678": false, "12a45": false, "secret": false} {
		t.Run(set, func(t *testing.T) {
			t.Setenv("ZEUG_DEBUG_PIN", set)
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			pin, err := debugger.NewPIN(&bytes.Buffer{})
			require.Equal(t, ok, err == nil, "%v", err)
			if set == "" {
				require.Regexp(t, `^\d{3}-\d{3}-\d{3}$`, pin.String())
			}
			if strings.EqualFold(set, "off") {
				require.Nil(t, pin)
			}
		})
	}
}
