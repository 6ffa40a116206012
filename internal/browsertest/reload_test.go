//go:build unix

package browsertest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

const reloaded = `package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/zeugkit/zeug/serving"
	_ "github.com/zeugkit/zeug/serving/dev"
	"github.com/zeugkit/zeug/wrappers"
)

func app(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/style.css":
		http.ServeFile(w, r, "static/style.css")
		return
	case "/frames":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><h1>frames</h1>"+strings.Repeat("<iframe src=/></iframe>", 10))
		return
	case "/kept":
		w.Header().Set("Etag", "\"same\"")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("<!doctype html><h1>kept</h1><script>sessionStorage.loads = +(sessionStorage.loads ?? 0) + 1</script>"))
		return
	case "/xml":
		w.Header().Set("Content-Type", "application/xhtml+xml")
		w.Header().Set("Content-Security-Policy", "script-src 'nonce-n'")
		fmt.Fprint(w, "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"><head><title>x</title></head><body><h1>old</h1></body></html>")
		return
	}
	resp := wrappers.HTML("<!doctype html><link rel=stylesheet href=/style.css><h1>one</h1>")
	resp.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'")
	resp.ServeHTTP(w, r)
}

func main() {
	serving.MainWith("127.0.0.1:0", http.HandlerFunc(app), serving.Options{Reload: true})
}
`

// follow starts the program in a folder of its own. It returns its URL, and a
// function that writes a file of the program.
func follow(t *testing.T) (url string, save func(name, text string)) {
	t.Helper()
	dir := t.TempDir()
	save = func(name, text string) {
		t.Helper()
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		save(name, strings.Replace(string(text), "module github.com/zeugkit/zeug\n", "module example.org/app\n\nrequire github.com/zeugkit/zeug v0.0.0\n\nreplace github.com/zeugkit/zeug => "+root+"\n", 1))
	}
	save("static/style.css", "h1 { color: rgb(1, 2, 3) }")
	save("main.go", reloaded)
	log, err := os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	t.Cleanup(func() { log.Close() })
	cmd := exec.Command("go", "run", ".")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		// The signal goes to every process in the foreground, as from a terminal.
		syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		cmd.Wait()
	})
	require.Eventually(t, func() bool {
		text, _ := os.ReadFile(log.Name())
		if m := regexp.MustCompile(`http://127[^"]+`).Find(text); m != nil {
			url = string(m)
		}
		return url != ""
	}, 2*time.Minute, 50*time.Millisecond)
	return url, save
}

// A page follows its program: after an edit, after an error and its correction,
// and when only its style has changed.
func TestPagesReload(t *testing.T) {
	b := open(t)
	url, save := follow(t)
	heading := func(want string) {
		t.Helper()
		last := ""
		require.Eventually(t, func() bool {
			// While the page is loading, there is no document to ask.
			last, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector("h1")?.textContent ?? ""`))
			return last == want
		}, time.Minute, 50*time.Millisecond, "the heading is not %q", want)
	}
	b.do("open the page", chromedp.Navigate(url))
	heading("one")
	save("main.go", strings.Replace(reloaded, "one", "two", 1))
	heading("two")
	save("main.go", strings.Replace(reloaded, "one", `three" + 3 + "`, 1))
	heading("the program does not build")
	save("main.go", strings.Replace(reloaded, "one", "four", 1))
	heading("four")

	get(b, chromedp.Evaluate[string](`document.querySelector("h1").dataset.kept = "yes"`))
	save("static/style.css", "h1 { color: rgb(4, 5, 6) }")
	style := ""
	require.Eventually(t, func() bool {
		style, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](`getComputedStyle(document.querySelector("h1")).color + document.querySelector("h1").dataset.kept`))
		return style == "rgb(4, 5, 6)yes"
	}, time.Minute, 50*time.Millisecond, "the style is %q, or the page was loaded again", style)
}

// XHTML is loaded again too. One tag that is not well-formed would show an error instead of the
// page. A failure stays on the screen when a file is saved, and says that the program has changed.
func TestAFailureStays(t *testing.T) {
	b := open(t)
	url, save := follow(t)
	failing := strings.NewReplacer("Reload: true", "Reload: true, Debug: true", "\tcase \"/style.css\":", "\tcase \"/fails\":\n\t\tpanic(\"broken at first\")\n\tcase \"/style.css\":").Replace(reloaded)
	b.do("open the page", chromedp.Navigate(url))
	save("main.go", failing)
	shows := func(script, want string) {
		t.Helper()
		last := ""
		require.Eventually(t, func() bool {
			last, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
			return last == want
		}, 2*time.Minute, 50*time.Millisecond, "%s is %q, not %q", script, last, want)
	}
	const heading = `document.querySelector("h1")?.textContent ?? ""`
	require.Eventually(t, func() bool {
		b.do("fail", chromedp.Navigate(url+"/fails"))
		return get(b, chromedp.Evaluate[string](heading)) == "broken at first"
	}, 2*time.Minute, 50*time.Millisecond)
	save("main.go", strings.Replace(failing, "broken at first", "broken still", 1))
	shows(`String(document.getElementById("zeug-changed").hidden)`, "false")
	require.Equal(t, "broken at first", get(b, chromedp.Evaluate[string](heading)))
	b.do("run it again", chromedp.Click(css(`.tools a`)))
	shows(heading, "broken still")
	shows(`String(document.getElementById("zeug-changed").hidden)`, "true")
}

func TestXHTMLReloads(t *testing.T) {
	b := open(t)
	url, save := follow(t)
	b.do("open the page", chromedp.Navigate(url+"/xml"))
	heading := func(want string) {
		t.Helper()
		last := ""
		require.Eventually(t, func() bool {
			last, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.contentType + " " + document.querySelector("h1")?.textContent`))
			return last == "application/xhtml+xml "+want
		}, time.Minute, 50*time.Millisecond, "the page shows %q, not %q", last, want)
	}
	heading("old")
	save("main.go", strings.Replace(reloaded, ">old<", ">new<", 1))
	heading("new")
}

// Browsers allow six connections to a server over HTTP/1.1. Further pages, each
// of which reads a stream, must not block the next page from loading and must
// not miss a change.
func TestMorePagesThanConnectionsReload(t *testing.T) {
	b := open(t)
	url, save := follow(t)
	headings := func(want string, tabs []context.Context, script string) {
		t.Helper()
		for n, tab := range tabs {
			last := ""
			require.Eventually(t, func() bool {
				ctx, stop := context.WithTimeout(tab, 10*time.Second)
				defer stop()
				last, _ = chromedp.Run(ctx, chromedp.Evaluate[string](script))
				return last == want
			}, time.Minute, 50*time.Millisecond, "page %d shows %q, not %q", n, last, want)
		}
	}
	one := `document.querySelector("h1")?.textContent + document.visibilityState`
	var tabs []context.Context
	for range 8 {
		ctx, stop := chromedp.NewContext(b.ctx)
		t.Cleanup(stop)
		tabs = append(tabs, ctx)
		require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(url)))
	}
	headings("onevisible", tabs, one)
	save("main.go", strings.Replace(reloaded, ">one<", ">two<", 1))
	headings("twovisible", tabs, one)

	b.do("open the frames", chromedp.Navigate(url+"/frames"))
	all := `[...document.querySelectorAll("iframe")].map((f) => f.contentDocument?.querySelector("h1")?.textContent).join()`
	headings(strings.TrimSuffix(strings.Repeat("two,", 10), ","), []context.Context{b.ctx}, all)
	save("main.go", strings.Replace(reloaded, ">one<", ">three<", 1))
	headings(strings.TrimSuffix(strings.Repeat("three,", 10), ","), []context.Context{b.ctx}, all)
}

// A page from the browser's cache that has not changed is loaded once more
// after a change of the program, but not again and again.
func TestAPageThatIsTheSameReloadsOnce(t *testing.T) {
	b := open(t)
	url, save := follow(t)
	b.do("open the page", chromedp.Navigate(url+"/kept"))
	loads := func(want string) {
		t.Helper()
		last := ""
		require.Eventually(t, func() bool {
			last, _ = chromedp.Run(b.ctx, chromedp.Evaluate[string](`String(sessionStorage.loads)`))
			return last == want
		}, 30*time.Second, 50*time.Millisecond, "the page was loaded %s times, not %s", last, want)
	}
	loads("1")
	save("main.go", strings.Replace(reloaded, ">one<", ">two<", 1))
	loads("2")
	save("main.go", strings.Replace(reloaded, ">one<", ">three<", 1))
	loads("3")
	b.do("open another page", chromedp.Navigate(url))
	loads("3")
}
